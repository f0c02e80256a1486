# Takes a checkpoint. One of that name that was not there before, which is not among those that are
# known, is the one that is asked for: a call whose answer was lost has taken it.
[CmdletBinding()]
param(
    [Parameter(Mandatory)][guid]$VMId,
    [Parameter(Mandatory)][ValidateLength(1, 100)][string]$Name,
    [string[]]$Known = @()
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$vm = Get-VM -Id $VMId
$taken = @(Get-VMSnapshot -VM $vm | Where-Object { [string]$_.Name -ceq $Name -and $Known -notcontains [string]$_.Id })
$made = if ($taken.Count -gt 0) { $taken[-1] } else { Checkpoint-VM -VM $vm -SnapshotName $Name -Passthru }
ConvertTo-Json -Compress -Depth 8 -InputObject @{
    vm_id = ([string]$vm.Id).ToLowerInvariant()
    id = ([string]$made.Id).ToLowerInvariant()
    name = [string]$made.Name
    parent_id = if ($made.ParentSnapshotId) { ([string]$made.ParentSnapshotId).ToLowerInvariant() } else { $null }
    created_at = $made.CreationTime.ToUniversalTime().ToString('s') + 'Z'
    type = [string]$made.SnapshotType
}
