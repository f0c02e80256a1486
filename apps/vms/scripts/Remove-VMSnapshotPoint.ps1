# Removes a checkpoint; those that stand on it stay. Already gone is success.
[CmdletBinding()]
param(
    [Parameter(Mandatory)][guid]$VMId,
    [Parameter(Mandatory)][guid]$CheckpointId
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$vm = Get-VM -Id $VMId
$point = @(Get-VMSnapshot -VM $vm | Where-Object { [string]$_.Id -eq [string]$CheckpointId })
if ($point.Count -gt 0) { Remove-VMSnapshot -VMSnapshot $point[0] -Confirm:$false }
ConvertTo-Json -Compress -Depth 8 -InputObject @{
    vm_id = ([string]$vm.Id).ToLowerInvariant()
    removed = @($point | ForEach-Object { ([string]$_.Id).ToLowerInvariant() })
}
