# Lets a node take roles again, and has those come back that a drain moved away.
[CmdletBinding()]
param(
    [Parameter(Mandatory)][ValidateNotNullOrEmpty()][string]$Name,
    [ValidateSet('Immediate', 'NoFailback', 'Policy')][string]$Failback = 'Immediate'
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$node = Get-ClusterNode -Name $Name
if ([string]$node.State -eq 'Paused') {
    $null = Resume-ClusterNode -Name $Name -Failback $Failback
    $node = Get-ClusterNode -Name $Name
}
ConvertTo-Json -Compress -Depth 8 -InputObject @{ state = [string]$node.State; drain = [string]$node.DrainStatus }
