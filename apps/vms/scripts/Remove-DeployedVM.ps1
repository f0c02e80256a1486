# Takes a virtual machine away: its role, its configuration, the files that are named, their folder;
# with -IncludeDisks the files of all its disks too. What is gone already is passed over, so that a
# clean-up can be asked for again.
[CmdletBinding()]
param(
    [string]$VMId = '',
    [Parameter(Mandatory)][ValidateNotNullOrEmpty()][string]$Name,
    [bool]$Clustered = $true,
    [string[]]$Files = @(),
    [string]$Folder = '',
    [bool]$IncludeDisks = $false
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$removed = New-Object -TypeName 'System.Collections.Generic.List[string]'
$paths = @($Files | Where-Object { $_ })
$found = @(if ($VMId) { Get-VM | Where-Object { [string]$_.Id -eq $VMId } })
if ($found.Count -gt 0) {
    $vm = $found[0]
    if ($IncludeDisks) { $paths += @(Get-VMHardDiskDrive -VM $vm | ForEach-Object { [string]$_.Path }) }
    if (@('Off', 'Saved') -notcontains [string]$vm.State) { Stop-VM -VM $vm -TurnOff -Force }
    if ([bool]$vm.IsClustered) {
        Remove-ClusterGroup -VMId $VMId -RemoveResources -Force
        $removed.Add("role $Name")
    }
    Remove-VM -VM $vm -Force
    $removed.Add("virtual machine $Name")
} elseif ($VMId -and $Clustered) {
    # Not on this host is not the same as gone: its role may have moved since the portal looked.
    $role = @(Get-ClusterGroup -VMId $VMId -ErrorAction SilentlyContinue)
    if ($role.Count -gt 0) { throw "'$Name' is on $([string]$role[0].OwnerNode) now, not on this host." }
}
foreach ($path in @($paths | Select-Object -Unique)) {
    if (Test-Path -LiteralPath $path) {
        Remove-Item -LiteralPath $path -Force
        $removed.Add($path)
    }
}
if ($Folder -and (Test-Path -LiteralPath $Folder)) {
    Remove-Item -LiteralPath $Folder -Recurse -Force
    $removed.Add($Folder)
}
ConvertTo-Json -Compress -Depth 8 -InputObject @{ removed = @($removed.ToArray()) }
