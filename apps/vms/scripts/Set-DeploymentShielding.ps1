# Gives a new virtual machine what its shielding data demands: key protector, security policy,
# virtual TPM. A machine that runs has all of it already. Tells what the host has in the end.
[CmdletBinding()]
param(
    [Parameter(Mandatory)][guid]$VMId,
    [Parameter(Mandatory)][ValidateNotNullOrEmpty()][string]$ShieldingDataPath
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

function Get-Settings {
    Get-CimInstance -Namespace 'root/virtualization/v2' -ClassName 'Msvm_SecuritySettingData' |
        Where-Object { ([string]$_.InstanceID).StartsWith("Microsoft:$VMId", [StringComparison]::OrdinalIgnoreCase) } |
        Select-Object -First 1
}

# A WMI method that changes settings takes them as text.
function ConvertTo-EmbeddedInstance($Instance) {
    $serializer = [Microsoft.Management.Infrastructure.Serialization.CimSerializer]::Create()
    $none = [Microsoft.Management.Infrastructure.Serialization.InstanceSerializationOptions]::None
    [System.Text.Encoding]::Unicode.GetString($serializer.Serialize($Instance, $none))
}

function Set-Policy($Settings, $PolicyData) {
    $service = Get-CimInstance -Namespace 'root/virtualization/v2' -ClassName 'Msvm_SecurityService' | Select-Object -First 1
    $set = Invoke-CimMethod -InputObject $service -MethodName 'SetSecurityPolicy' -Arguments @{
        SecuritySettingData = ConvertTo-EmbeddedInstance $Settings
        SecurityPolicy = [byte[]]$PolicyData
    }
    if ([int]$set.ReturnValue -eq 0) { return }
    # 4096: it goes on as a job, whose states from 7 on are ends, 7 the good one.
    if ([int]$set.ReturnValue -ne 4096) { throw "The security policy was not accepted: Hyper-V answered $($set.ReturnValue)." }
    do {
        $job = Get-CimInstance -InputObject $set.Job
        if ([int]$job.JobState -lt 7) { Start-Sleep -Milliseconds 200 }
    } while ([int]$job.JobState -lt 7)
    if ([int]$job.JobState -ne 7) { throw "The security policy was not accepted: $($job.ErrorDescription)" }
}

$vm = Get-VM -Id $VMId
if (-not (Get-Settings)) { throw "'$($vm.Name)' has no security settings, as a virtual machine of generation 1 has none." }
# The virtual TPM comes last: a machine that has it has the rest, and its policy takes no change.
if ([string]$vm.State -eq 'Off' -and -not [bool](Get-VMSecurity -VM $vm).TpmEnabled) {
    # Four bytes say: no key protector.
    if (@(Get-VMKeyProtector -VM $vm).Count -le 4) {
        $bytes = @(Get-KeyProtectorFromShieldingDataFile -ShieldingDataFilePath $ShieldingDataPath)
        Set-VMKeyProtector -VM $vm -KeyProtector ([byte[]]$bytes)
    }
    $before = Get-Settings
    if (-not ($before.ShieldingRequested -or $before.DataProtectionRequested)) {
        $answer = Invoke-CimMethod -Namespace 'root/msps' -ClassName 'Msps_ProvisioningFileProcessor' -MethodName 'PopulateFromFile' -Arguments @{ FilePath = $ShieldingDataPath }
        Set-Policy $before $answer.ProvisioningFile.PolicyData
    }
    Enable-VMTPM -VM $vm
}
$settings = Get-Settings
$policy = if ($settings.ShieldingRequested) { 'Shielded' } elseif ($settings.DataProtectionRequested) { 'EncryptionSupported' } else { 'None' }
ConvertTo-Json -Compress -Depth 8 -InputObject ([ordered]@{
        key_protector_bytes = @(Get-VMKeyProtector -VM $vm).Count
        policy = $policy
        tpm_enabled = [bool]$settings.TpmEnabled
    })
