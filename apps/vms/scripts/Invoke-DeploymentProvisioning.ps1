# Provisions a new shielded virtual machine and tells how that ended. It follows here, on the host, as
# Windows drops its provisioning job some minutes after the end, and the reason of a failure with it.
# Run again it goes on with what is there: under way is followed, an end that Windows still knows is
# told, and only without either is it begun. "Gone" says nothing about the end: the machine's
# protection does.
[CmdletBinding()]
param(
    [Parameter(Mandatory)][guid]$VMId,
    [Parameter(Mandatory)][ValidateNotNullOrEmpty()][string]$ShieldingDataPath,
    [Parameter(Mandatory)][ValidateNotNullOrEmpty()][string]$SpecializationPath,
    [ValidateRange(1, 86400)][int]$TimeoutSeconds = 3600
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

# Msps_ProvisioningJob.JobState; 2 new, 4 running, 5 suspended, 6 shutting down, 11 and 12 in service.
$ends = @{ 3 = 'PendingBoot'; 7 = 'Completed'; 8 = 'Failed'; 9 = 'Failed'; 10 = 'Failed' }

function Get-Provisioning {
    $vm = Get-VM -Id $VMId
    $jobs = @(Get-ShieldedVMProvisioningStatus -VM $vm -ErrorAction SilentlyContinue)
    $told = [ordered]@{ state = 'Gone'; percent = 0; error_code = 0; error_description = ''; vm_state = [string]$vm.State }
    if ($jobs.Count -gt 0) {
        $told.state = if ($ends.ContainsKey([int]$jobs[0].JobState)) { $ends[[int]$jobs[0].JobState] } else { 'Running' }
        $told.percent = [int]$jobs[0].PercentComplete
        $told.error_code = [long]$jobs[0].ErrorCode
        $told.error_description = [string]$jobs[0].ErrorDescription
    }
    $told
}

$told = Get-Provisioning
if ($told.state -eq 'Gone' -and $told.vm_state -eq 'Off') {
    $vm = Get-VM -Id $VMId
    ConvertTo-Json -Compress -InputObject ([ordered]@{ progress = 1; message = "Beginning to provision $($vm.Name)" })
    $null = Initialize-ShieldedVM -VM $vm -ShieldingDataFilePath $ShieldingDataPath -ShieldedVMSpecializationDataFilePath $SpecializationPath
    $told = Get-Provisioning
    if ($told.state -eq 'Gone' -and $told.vm_state -eq 'Off') {
        throw 'Windows has no provisioning job of the virtual machine, although it was asked for one.'
    }
}
$watch = [Diagnostics.Stopwatch]::StartNew()
$said = ''
while (@('Running', 'PendingBoot') -contains $told.state) {
    if ($watch.Elapsed.TotalSeconds -gt $TimeoutSeconds) {
        throw "Provisioning has not ended within $TimeoutSeconds seconds: Windows says $($told.state), $($told.percent) %."
    }
    if ($said -ne "$($told.state) $($told.percent)") {
        $said = "$($told.state) $($told.percent)"
        ConvertTo-Json -Compress -InputObject ([ordered]@{ progress = $told.percent; message = "The host says: $($told.state)" })
    }
    if ($told.state -eq 'PendingBoot' -and $told.vm_state -eq 'Off') { Start-VM -VM (Get-VM -Id $VMId) }
    Start-Sleep -Milliseconds 250
    $told = Get-Provisioning
}
ConvertTo-Json -Compress -Depth 8 -InputObject ([ordered]@{
        outcome = $told.state
        error_code = $told.error_code
        error_description = $told.error_description
        vm_state = [string](Get-VM -Id $VMId).State
    })
