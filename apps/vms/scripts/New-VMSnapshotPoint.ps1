# Takes a checkpoint.
[CmdletBinding()]
param(
    [Parameter(Mandatory)][guid]$VMId,
    [Parameter(Mandatory)][ValidateLength(1, 100)][string]$Name
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$vm = Get-VM -Id $VMId
$made = Checkpoint-VM -VM $vm -SnapshotName $Name -Passthru
ConvertTo-Json -Compress -Depth 8 -InputObject @{
    vm_id = ([string]$vm.Id).ToLowerInvariant()
    id = ([string]$made.Id).ToLowerInvariant()
    name = [string]$made.Name
    parent_id = if ($made.ParentSnapshotId) { ([string]$made.ParentSnapshotId).ToLowerInvariant() } else { $null }
    created_at = $made.CreationTime.ToUniversalTime().ToString('s') + 'Z'
    type = [string]$made.SnapshotType
}
