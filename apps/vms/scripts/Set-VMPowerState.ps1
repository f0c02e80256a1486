# Starts, stops, saves, pauses, resumes or restarts a virtual machine of this host.
# Already there is success: asking twice does the work once. A restart that was asked for before is
# done when the machine has run for less than it would have without one.
[CmdletBinding()]
param(
    [Parameter(Mandatory)][guid]$VMId,
    [Parameter(Mandatory)]
    [ValidateSet('Start', 'ShutDown', 'TurnOff', 'Save', 'Pause', 'Resume', 'Restart')][string]$Action,
    [ValidateRange(1, 86400)][int]$TimeoutSeconds = 300,
    [ValidateRange(0, 9223372036854775807)][long]$RestartedWithinMilliseconds = 0
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

function Write-Progression([int]$Percent, [string]$Message) {
    ConvertTo-Json -Compress -InputObject ([ordered]@{ progress = $Percent; message = $Message })
}

# What is under way ends first: a virtual machine that is starting or being saved takes no order.
$settled = 'Running', 'Off', 'Saved', 'Paused'
$watch = [Diagnostics.Stopwatch]::StartNew()
$vm = Get-VM -Id $VMId
while ($settled -notcontains [string]$vm.State -and [string]$vm.State -notlike '*Critical' -and
    $watch.Elapsed.TotalSeconds -lt $TimeoutSeconds) {
    Write-Progression 5 "$($vm.Name) is $([string]$vm.State)"
    Start-Sleep -Milliseconds 500
    $vm = Get-VM -Id $VMId
}

$state = [string]$vm.State
$goal = @{ Start = 'Running'; ShutDown = 'Off'; TurnOff = 'Off'; Save = 'Saved'; Pause = 'Paused'; Resume = 'Running'; Restart = '' }[$Action]
if ($Action -eq 'Restart' -and $vm.Uptime.TotalMilliseconds -lt $RestartedWithinMilliseconds) { $goal = 'Running' }
if ($state -ne $goal) {
    Write-Progression 10 "$($vm.Name) is $state"
    switch ($Action) {
        'Start' { Start-VM -VM $vm }
        'ShutDown' { Stop-VM -VM $vm -Force }
        'TurnOff' { Stop-VM -VM $vm -TurnOff -Force }
        'Save' { Save-VM -VM $vm }
        'Pause' { Suspend-VM -VM $vm }
        'Resume' { Resume-VM -VM $vm }
        'Restart' { Restart-VM -VM $vm -Force }
    }
    $vm = Get-VM -Id $VMId
}
ConvertTo-Json -Compress -Depth 8 -InputObject @{
    vm_id = ([string]$vm.Id).ToLowerInvariant()
    name = [string]$vm.Name
    state = [string]$vm.State
    uptime_seconds = [long][Math]::Floor($vm.Uptime.TotalSeconds)
}
