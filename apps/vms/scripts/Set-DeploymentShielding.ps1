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

$vm = Get-VM -Id $VMId
if ([string]$vm.State -eq 'Off') {
    # Four bytes say: no key protector.
    if (@(Get-VMKeyProtector -VM $vm).Count -le 4) {
        $bytes = @(Get-KeyProtectorFromShieldingDataFile -ShieldingDataFilePath $ShieldingDataPath)
        Set-VMKeyProtector -VM $vm -KeyProtector ([byte[]]$bytes)
    }
    $answer = Invoke-CimMethod -Namespace 'root/msps' -ClassName 'Msps_ProvisioningFileProcessor' -MethodName 'PopulateFromFile' -Arguments @{ FilePath = $ShieldingDataPath }
    $service = Get-CimInstance -Namespace 'root/virtualization/v2' -ClassName 'Msvm_SecurityService' | Select-Object -First 1
    $set = Invoke-CimMethod -InputObject $service -MethodName 'SetSecurityPolicy' -Arguments @{
        SecuritySettingData = ConvertTo-EmbeddedInstance (Get-Settings)
        SecurityPolicy = [byte[]]$answer.ProvisioningFile.PolicyData
    }
    # 4096: goes on as a job, which has ended when the virtual TPM can be added.
    if (@(0, 4096) -notcontains [int]$set.ReturnValue) { throw "The security policy was not accepted: Hyper-V answered $($set.ReturnValue)." }
    if (-not [bool](Get-VMSecurity -VM $vm).TpmEnabled) { Enable-VMTPM -VM $vm }
}
$settings = Get-Settings
$policy = if ($settings.ShieldingRequested) { 'Shielded' } elseif ($settings.DataProtectionRequested) { 'EncryptionSupported' } else { 'None' }
ConvertTo-Json -Compress -Depth 8 -InputObject ([ordered]@{
        key_protector_bytes = @(Get-VMKeyProtector -VM $vm).Count
        policy = $policy
        tpm_enabled = [bool]$settings.TpmEnabled
    })
