# Moves a clustered virtual machine to another node and follows it there.
# Run at the cluster's address. A move that is under way is followed, not begun again.
[CmdletBinding()]
param(
    [Parameter(Mandatory)][guid]$VMId,
    [Parameter(Mandatory)][ValidateNotNullOrEmpty()][string]$Node,
    [ValidateSet('Live', 'Quick')][string]$MigrationType = 'Live',
    [ValidateRange(1, 86400)][int]$TimeoutSeconds = 1800
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

# Bit 1: the group is locked, as it is while it migrates; bit 4: it waits for its turn to move.
function Test-Moving($Group) {
    ([int64]$Group.StatusInformation -band 5) -ne 0
}

$group = Get-ClusterGroup -VMId $VMId
if ([string]$group.OwnerNode -ne $Node) {
    if (-not (Test-Moving $group)) {
        $from = [string]$group.OwnerNode
        ConvertTo-Json -Compress -InputObject ([ordered]@{ progress = 5; message = "Moving $($group.Name) from $from to $Node" })
        $null = Move-ClusterVirtualMachineRole -VMId $VMId -Node $Node -MigrationType $MigrationType -Wait 0
    }
    $watch = [Diagnostics.Stopwatch]::StartNew()
    $quiet = 0
    do {
        Start-Sleep -Milliseconds 500
        $group = Get-ClusterGroup -VMId $VMId
        if (Test-Moving $group) { $quiet = 0 } else { $quiet++ }
        $percent = [Math]::Min(90, [int][Math]::Floor(10 + 5 * $watch.Elapsed.TotalSeconds))
        ConvertTo-Json -Compress -InputObject ([ordered]@{ progress = $percent; message = "$($group.Name) is on $([string]$group.OwnerNode)" })
    } while ([string]$group.OwnerNode -ne $Node -and $quiet -lt 4 -and $watch.Elapsed.TotalSeconds -lt $TimeoutSeconds)
}

if ([string]$group.OwnerNode -ne $Node) {
    throw "'$($group.Name)' is still on $([string]$group.OwnerNode): the move to $Node did not succeed. The cluster's event log says why."
}
ConvertTo-Json -Compress -Depth 8 -InputObject @{ owner_node = [string]$group.OwnerNode; state = [string]$group.State }
