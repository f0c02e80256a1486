# Moves the disks, the configuration and the checkpoints of a virtual machine to another volume.
# It may run meanwhile. Already there is success.
[CmdletBinding()]
param(
    [Parameter(Mandatory)][guid]$VMId,
    [Parameter(Mandatory)][ValidateNotNullOrEmpty()][string]$VolumePath
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$vm = Get-VM -Id $VMId
$root = $VolumePath.TrimEnd('\')
if (-not ([string]$vm.Path).StartsWith($root + '\', [StringComparison]::OrdinalIgnoreCase)) {
    # The folder keeps its name: two virtual machines may have the same one, their folders may not.
    $source = ([string]$vm.Path).TrimEnd('\')
    $target = $root + '\' + $source.Substring($source.LastIndexOf('\') + 1)
    if (Test-Path -LiteralPath $target) { $target = "$target $VMId" }
    ConvertTo-Json -Compress -InputObject ([ordered]@{ progress = 10; message = "Moving the files of $($vm.Name) to $target" })
    Move-VMStorage -VM $vm -DestinationStoragePath $target
    $vm = Get-VM -Id $VMId
}
ConvertTo-Json -Compress -Depth 8 -InputObject @{ vm_id = ([string]$vm.Id).ToLowerInvariant(); path = [string]$vm.Path }
