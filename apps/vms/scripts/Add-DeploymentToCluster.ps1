# Makes a virtual machine of this host a role of its cluster, unless it is one.
[CmdletBinding()]
param(
    [Parameter(Mandatory)][guid]$VMId,
    [Parameter(Mandatory)][ValidateNotNullOrEmpty()][string]$Name
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$vm = Get-VM -Id $VMId
$roles = @(if ([bool]$vm.IsClustered) { Get-ClusterGroup -VMId $VMId })
if ($roles.Count -eq 0) { $roles = @(Add-ClusterVirtualMachineRole -VMId $VMId -Name $Name) }
ConvertTo-Json -Compress -Depth 8 -InputObject ([ordered]@{
        group = [string]$roles[0].Name
        owner_node = [string]$roles[0].OwnerNode
    })
