# The protection of one virtual machine as its host sees it now.
[CmdletBinding()]
param([Parameter(Mandatory)][guid]$VMId)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$vm = Get-VM -Id $VMId
$settings = Get-CimInstance -Namespace 'root/virtualization/v2' -ClassName 'Msvm_SecuritySettingData' |
    Where-Object { ([string]$_.InstanceID).StartsWith("Microsoft:$VMId", [StringComparison]::OrdinalIgnoreCase) } |
    Select-Object -First 1
$tpm = [bool]($settings -and $settings.TpmEnabled)
$protected = [bool]($settings -and $settings.DataProtectionRequested)
$protection = if ($settings -and $settings.ShieldingRequested) { 'Shielded' } elseif ($tpm -and $protected) { 'EncryptionSupported' }
    elseif ($tpm) { 'VTpm' } elseif ($settings -or $vm.Generation -eq 1) { 'None' } else { 'Unknown' }

ConvertTo-Json -Compress -Depth 8 -InputObject @{
    vm_id = ([string]$vm.Id).ToLowerInvariant()
    state = [string]$vm.State
    protection = $protection
    owner_node = ([string]$vm.ComputerName).ToLowerInvariant()
}
