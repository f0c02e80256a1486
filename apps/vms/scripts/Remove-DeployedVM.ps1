# Takes a virtual machine away: its role, its configuration, the files that are named, their folder.
# What is gone already is passed over, so that a clean-up can be asked for again.
[CmdletBinding()]
param(
    [string]$VMId = '',
    [Parameter(Mandatory)][ValidateNotNullOrEmpty()][string]$Name,
    [bool]$Clustered = $true,
    [string[]]$Files = @(),
    [string]$Folder = ''
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$removed = New-Object 'System.Collections.Generic.List[string]'
$vm = if ($VMId) { @(Get-VM | Where-Object { [string]$_.Id -eq $VMId }) } else { @() }
if (@($vm).Count -gt 0) {
    if (@('Off', 'Saved') -notcontains [string]$vm[0].State) { Stop-VM -VM $vm[0] -TurnOff -Force }
    if ($Clustered -and [bool]$vm[0].IsClustered) {
        Remove-ClusterGroup -VMId $VMId -RemoveResources -Force
        $removed.Add("role $Name")
    }
    Remove-VM -VM $vm[0] -Force
    $removed.Add("virtual machine $Name")
}
foreach ($path in $Files) {
    if (Test-Path -LiteralPath $path) {
        Remove-Item -LiteralPath $path -Force
        $removed.Add($path)
    }
}
if ($Folder -and (Test-Path -LiteralPath $Folder)) {
    Remove-Item -LiteralPath $Folder -Recurse -Force
    $removed.Add($Folder)
}
ConvertTo-Json -Compress -Depth 8 -InputObject @{ removed = @($removed) }
