# Moves the disks, the configuration and the checkpoints of a virtual machine to another volume.
# It may run meanwhile. Already there is success; a move under way is waited for, not begun again.
[CmdletBinding()]
param(
    [Parameter(Mandatory)][guid]$VMId,
    [Parameter(Mandatory)][ValidateNotNullOrEmpty()][string]$VolumePath,
    [ValidateRange(1, 604800)][int]$TimeoutSeconds = 43200
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

function Write-Progression([int]$Percent, [string]$Message) {
    ConvertTo-Json -Compress -InputObject ([ordered]@{ progress = $Percent; message = $Message })
}

# Hyper-V moves on when who asked for it is gone. MigratingVirtualMachine is a move to another host.
function Test-Moving($Machine) {
    @($Machine.OperationalStatus | Where-Object { [string]$_ -like '*Migrat*' }).Count -gt 0
}

$root = $VolumePath.TrimEnd('\')
$watch = [Diagnostics.Stopwatch]::StartNew()
$vm = Get-VM -Id $VMId
while (Test-Moving $vm) {
    if ($watch.Elapsed.TotalSeconds -gt $TimeoutSeconds) {
        throw "The move of '$($vm.Name)' that is under way has not ended within $TimeoutSeconds seconds."
    }
    Write-Progression 10 "$($vm.Name) is being moved already"
    Start-Sleep -Milliseconds 2000
    $vm = Get-VM -Id $VMId
}
if (-not ([string]$vm.Path).StartsWith($root + '\', [StringComparison]::OrdinalIgnoreCase)) {
    # The folder keeps its name: two virtual machines may have the same one, their folders may not.
    $source = ([string]$vm.Path).TrimEnd('\')
    $target = $root + '\' + $source.Substring($source.LastIndexOf('\') + 1)
    if (Test-Path -LiteralPath $target) { $target = "$target $VMId" }
    Write-Progression 10 "Moving the files of $($vm.Name) to $target"
    Move-VMStorage -VM $vm -DestinationStoragePath $target
    $vm = Get-VM -Id $VMId
}
ConvertTo-Json -Compress -Depth 8 -InputObject @{ vm_id = ([string]$vm.Id).ToLowerInvariant(); path = [string]$vm.Path }
