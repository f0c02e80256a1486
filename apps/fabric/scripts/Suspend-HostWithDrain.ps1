# Pauses a node and moves its roles away; tells how many are left until the drain has ended.
[CmdletBinding()]
param(
    [Parameter(Mandatory)][ValidateNotNullOrEmpty()][string]$Name,
    [ValidateRange(1, 86400)][int]$TimeoutSeconds = 1800
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

function Get-RoleCount {
    @(Get-ClusterGroup | Where-Object { [string]$_.GroupType -eq 'VirtualMachine' -and [string]$_.OwnerNode -eq $Name }).Count
}

$node = Get-ClusterNode -Name $Name
$total = Get-RoleCount
# A drain that is under way is followed, not begun again.
if ([string]$node.State -ne 'Paused' -or @('Completed', 'InProgress') -notcontains [string]$node.DrainStatus) {
    $null = Suspend-ClusterNode -Name $Name -Drain
}
$watch = [Diagnostics.Stopwatch]::StartNew()
$node = Get-ClusterNode -Name $Name
while ([string]$node.DrainStatus -eq 'InProgress' -and $watch.Elapsed.TotalSeconds -lt $TimeoutSeconds) {
    $left = Get-RoleCount
    $percent = if ($total) { [int][Math]::Floor(95 * ($total - $left) / $total) } else { 50 }
    ConvertTo-Json -Compress -InputObject ([ordered]@{
        progress = [Math]::Max(0, $percent); message = "$left of $total virtual machines are still on $Name"
    })
    Start-Sleep -Milliseconds 500
    $node = Get-ClusterNode -Name $Name
}

if ([string]$node.DrainStatus -eq 'InProgress') { throw "The drain of '$Name' has not ended within $TimeoutSeconds seconds." }
if ([string]$node.DrainStatus -eq 'Failed') {
    throw "The drain of '$Name' failed: $(Get-RoleCount) virtual machines could not be moved to another node."
}
ConvertTo-Json -Compress -Depth 8 -InputObject @{ state = [string]$node.State; drain = [string]$node.DrainStatus }
