# Processors and memory of a virtual machine that is off. What is not given, or is 0, stays.
[CmdletBinding()]
param(
    [Parameter(Mandatory)][guid]$VMId,
    [ValidateRange(0, 2048)][int]$ProcessorCount = 0,
    [ValidateRange(0, 26388279066624)][long]$MemoryStartupBytes = 0
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$vm = Get-VM -Id $VMId
if ($ProcessorCount -and $ProcessorCount -ne [int]$vm.ProcessorCount) { Set-VMProcessor -VM $vm -Count $ProcessorCount }
if ($MemoryStartupBytes -and $MemoryStartupBytes -ne [long]$vm.MemoryStartup) { Set-VMMemory -VM $vm -StartupBytes $MemoryStartupBytes }
$vm = Get-VM -Id $VMId
ConvertTo-Json -Compress -Depth 8 -InputObject @{
    vm_id = ([string]$vm.Id).ToLowerInvariant()
    processors = [int]$vm.ProcessorCount
    memory_startup_bytes = [long]$vm.MemoryStartup
}
