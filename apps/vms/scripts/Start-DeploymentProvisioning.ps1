# Begins the provisioning of a new shielded virtual machine, unless it is under way or done.
[CmdletBinding()]
param(
    [Parameter(Mandatory)][guid]$VMId,
    [Parameter(Mandatory)][ValidateNotNullOrEmpty()][string]$ShieldingDataPath,
    [Parameter(Mandatory)][ValidateNotNullOrEmpty()][string]$SpecializationPath
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$vm = Get-VM -Id $VMId
$jobs = @(Get-ShieldedVMProvisioningStatus -VM $vm -ErrorAction SilentlyContinue)
# JobState above 7 is an end without success; then it may be tried again.
$again = $jobs.Count -gt 0 -and [int]$jobs[0].JobState -gt 7
if (($jobs.Count -eq 0 -or $again) -and [string]$vm.State -eq 'Off') {
    $null = Initialize-ShieldedVM -VM $vm -ShieldingDataFilePath $ShieldingDataPath -ShieldedVMSpecializationDataFilePath $SpecializationPath
    $jobs = @(Get-ShieldedVMProvisioningStatus -VM $vm -ErrorAction SilentlyContinue)
}
$status = if ($jobs.Count -gt 0) { [string]$jobs[0].JobStatus } else { 'Gone' }
ConvertTo-Json -Compress -Depth 8 -InputObject @{ job_status = $status }
