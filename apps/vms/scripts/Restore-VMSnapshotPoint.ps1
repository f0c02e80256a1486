# Puts a virtual machine back to a checkpoint.
[CmdletBinding()]
param(
    [Parameter(Mandatory)][guid]$VMId,
    [Parameter(Mandatory)][guid]$CheckpointId
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$vm = Get-VM -Id $VMId
$point = @(Get-VMSnapshot -VM $vm | Where-Object { [string]$_.Id -eq [string]$CheckpointId })
if ($point.Count -eq 0) { throw "'$($vm.Name)' has no checkpoint with the id $CheckpointId." }
Restore-VMSnapshot -VMSnapshot $point[0] -Confirm:$false
$vm = Get-VM -Id $VMId
ConvertTo-Json -Compress -Depth 8 -InputObject @{ vm_id = ([string]$vm.Id).ToLowerInvariant(); state = [string]$vm.State }
