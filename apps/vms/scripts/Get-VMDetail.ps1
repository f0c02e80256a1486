# Everything about one virtual machine of this host.
[CmdletBinding()]
param([Parameter(Mandatory)][guid]$VMId)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$vm = Get-VM -Id $VMId
$security = Get-VMSecurity -VM $vm
$settings = Get-CimInstance -Namespace 'root/virtualization/v2' -ClassName 'Msvm_SecuritySettingData' |
    Where-Object { ([string]$_.InstanceID).StartsWith("Microsoft:$VMId", [StringComparison]::OrdinalIgnoreCase) } |
    Select-Object -First 1
$tpm = [bool]$security.TpmEnabled
$shielded = [bool]$security.Shielded
$protected = [bool]($settings -and $settings.DataProtectionRequested)
$protection = if ($shielded) { 'Shielded' } elseif ($tpm -and $protected) { 'EncryptionSupported' }
    elseif ($tpm) { 'VTpm' } elseif ($settings -or $vm.Generation -eq 1) { 'None' } else { 'Unknown' }

# The files of its disks; a disk that cannot be read must not hide the others.
$files = @{}
Get-VHD -VMId $VMId -ErrorAction SilentlyContinue | ForEach-Object { $files[[string]$_.Path] = $_ }
$disks = @(Get-VMHardDiskDrive -VM $vm | ForEach-Object {
    $file = $files[[string]$_.Path]
    @{
        path = [string]$_.Path
        type = if ($file) { [string]$file.VhdType } else { 'Unknown' }
        size_bytes = if ($file) { [long]$file.Size } else { $null }
        file_size_bytes = if ($file) { [long]$file.FileSize } else { $null }
        controller = '{0} {1}:{2}' -f [string]$_.ControllerType, $_.ControllerNumber, $_.ControllerLocation
    }
})
$adapters = @(Get-VMNetworkAdapter -VM $vm | ForEach-Object {
    @{
        name = [string]$_.Name; switch = [string]$_.SwitchName; mac_address = [string]$_.MacAddress
        ip_addresses = @($_.IPAddresses | Where-Object { $_ } | ForEach-Object { [string]$_ })
    }
})
$checkpoints = @(Get-VMSnapshot -VM $vm | ForEach-Object {
    @{
        id = ([string]$_.Id).ToLowerInvariant(); name = [string]$_.Name; type = [string]$_.SnapshotType
        parent_id = if ($_.ParentSnapshotId) { ([string]$_.ParentSnapshotId).ToLowerInvariant() } else { $null }
        created_at = $_.CreationTime.ToUniversalTime().ToString('s') + 'Z'
    }
})
$services = @(Get-VMIntegrationService -VM $vm | ForEach-Object { @{ name = [string]$_.Name; enabled = [bool]$_.Enabled } })

ConvertTo-Json -Compress -Depth 8 -InputObject @{
    vm_id = ([string]$vm.Id).ToLowerInvariant()
    state = [string]$vm.State
    uptime_seconds = [long][Math]::Floor($vm.Uptime.TotalSeconds)
    security = @{
        tpm_enabled = $tpm; shielded = $shielded; data_protection_requested = $protected; protection = $protection
        encrypt_state_and_vm_migration_traffic = [bool]$security.EncryptStateAndVmMigrationTraffic
    }
    disks = $disks
    network_adapters = $adapters
    checkpoints = $checkpoints
    stands_on = if ($vm.ParentSnapshotId) { ([string]$vm.ParentSnapshotId).ToLowerInvariant() } else { $null }
    integration_services = $services
}
