# How far the provisioning of a shielded virtual machine is. Windows drops a job some minutes after
# its end; "Gone" therefore says nothing about how it ended, the machine's state does.
# WaitSeconds waits here, where looking costs little, for the end or until the machine is off, and
# says every two seconds how far it is.
[CmdletBinding()]
param(
    [Parameter(Mandatory)][guid]$VMId,
    [ValidateRange(0, 60)][int]$WaitSeconds = 0
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

$watch = [Diagnostics.Stopwatch]::StartNew()
$said = 0
$told = Get-Provisioning
while ($watch.Elapsed.TotalSeconds -lt $WaitSeconds -and
    ($told.state -eq 'Running' -or ($told.state -eq 'PendingBoot' -and $told.vm_state -ne 'Off'))) {
    if ($watch.Elapsed.TotalSeconds - $said -ge 2) {
        $said = $watch.Elapsed.TotalSeconds
        ConvertTo-Json -Compress -InputObject ([ordered]@{ progress = $told.percent; message = "The host says: $($told.state)" })
    }
    Start-Sleep -Milliseconds 250
    $told = Get-Provisioning
}
ConvertTo-Json -Compress -Depth 8 -InputObject $told
