# One pass over a host: itself, its attestation, its switches, its virtual machines. Bulk queries only.
[CmdletBinding()]
param()

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$os = Get-CimInstance -ClassName 'Win32_OperatingSystem'
$computer = Get-CimInstance -ClassName 'Win32_ComputerSystem'
$switches = @(Get-VMSwitch | ForEach-Object {
    @{ id = ([string]$_.Id).ToLowerInvariant(); name = [string]$_.Name; type = [string]$_.SwitchType }
})

$attestation = $null
$problem = $null
try {
    $hgs = Get-HgsClientConfiguration
    $attestation = @{
        mode = [string]$hgs.Mode
        is_host_guarded = [bool]$hgs.IsHostGuarded
        operation_mode = [string]$hgs.AttestationOperationMode
        status = [string]$hgs.AttestationStatus
        sub_status = @(([string]$hgs.AttestationSubstatus) -split ',\s*' | Where-Object { $_ -and $_ -ne 'NoInformation' })
        attestation_url = [string]$hgs.AttestationServerUrl
        key_protection_url = [string]$hgs.KeyProtectionServerUrl
    }
} catch {
    $problem = [string]$_.Exception.Message
}

$security = @{}
Get-CimInstance -Namespace 'root/virtualization/v2' -ClassName 'Msvm_SecuritySettingData' | ForEach-Object {
    if ([string]$_.InstanceID -match '^Microsoft:([0-9A-Fa-f-]{36})') { $security[$Matches[1].ToLowerInvariant()] = $_ }
}
$networks = @{}
Get-VMNetworkAdapter -All | Where-Object { -not $_.IsManagementOs -and $_.SwitchName } | ForEach-Object {
    $networks[([string]$_.VMId).ToLowerInvariant()] += @([string]$_.SwitchName)
}

$vms = @(Get-VM | ForEach-Object {
    $vm = $_
    $id = ([string]$vm.Id).ToLowerInvariant()
    $settings = $security[$id]
    $tpm = [bool]($settings -and $settings.TpmEnabled)
    $shielded = [bool]($settings -and $settings.ShieldingRequested)
    $protected = [bool]($settings -and $settings.DataProtectionRequested)
    $protection = if ($shielded) { 'Shielded' } elseif ($tpm -and $protected) { 'EncryptionSupported' }
        elseif ($tpm) { 'VTpm' } elseif ($settings -or $vm.Generation -eq 1) { 'None' } else { 'Unknown' }
    @{
        vm_id = $id; name = [string]$vm.Name; state = [string]$vm.State; generation = [int]$vm.Generation
        processors = [int]$vm.ProcessorCount; cpu_percent = [int]$vm.CPUUsage
        memory_startup_bytes = [long]$vm.MemoryStartup; memory_assigned_bytes = [long]$vm.MemoryAssigned
        uptime_seconds = [long][Math]::Floor($vm.Uptime.TotalSeconds)
        clustered = [bool]$vm.IsClustered; notes = [string]$vm.Notes; path = [string]$vm.Path
        tpm_enabled = $tpm; shielded = $shielded; data_protection_requested = $protected; protection = $protection
        switches = @($networks[$id] | Where-Object { $_ } | Select-Object -Unique)
    }
})

ConvertTo-Json -Compress -Depth 8 -InputObject @{
    host = @{
        name = [string]$computer.DNSHostName
        fqdn = '{0}.{1}' -f $computer.DNSHostName, $computer.Domain
        os = [string]$os.Caption
        os_version = [string]$os.Version
        processors = [int]$computer.NumberOfLogicalProcessors
        memory_bytes = [long]$os.TotalVisibleMemorySize * 1024
        memory_available_bytes = [long]$os.FreePhysicalMemory * 1024
        booted_at = $os.LastBootUpTime.ToUniversalTime().ToString('s') + 'Z'
        time = $os.LocalDateTime.ToUniversalTime().ToString('s') + 'Z'
    }
    attestation = $attestation
    attestation_problem = $problem
    switches = $switches
    vms = $vms
}
