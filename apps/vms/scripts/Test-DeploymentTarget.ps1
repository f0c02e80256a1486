# What a place offers to a new virtual machine: space, switch, memory, attestation, and whether the
# name is free on this host and in its cluster. Reads only.
[CmdletBinding()]
param(
    [Parameter(Mandatory)][ValidateNotNullOrEmpty()][string]$VolumePath,
    [string]$SwitchName = '',
    [Parameter(Mandatory)][ValidateNotNullOrEmpty()][string]$Name,
    [ValidateRange(0, [long]::MaxValue)][long]$MemoryBytes = 0
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$free = @(Get-ClusterSharedVolume | ForEach-Object { $_.SharedVolumeInfo } |
        Where-Object { [string]$_.FriendlyVolumeName -eq $VolumePath.TrimEnd('\') } |
        ForEach-Object { [long]$_.Partition.FreeSpace })
$switches = @(Get-VMSwitch | Where-Object { $SwitchName -and [string]$_.Name -eq $SwitchName })
$names = @(Get-VM | ForEach-Object { [string]$_.Name }) + @(Get-ClusterGroup | ForEach-Object { [string]$_.Name })
$system = Get-CimInstance -ClassName 'Win32_OperatingSystem' -Property 'FreePhysicalMemory'
$memory = [long]$system.FreePhysicalMemory * 1KB
$state = @(Get-HgsClientConfiguration -ErrorAction SilentlyContinue)
$attestation = if ($state.Count -gt 0) {
    $parts = @(([string]$state[0].AttestationSubstatus).Split(',') | ForEach-Object { $_.Trim() } |
            Where-Object { $_ -and $_ -ne 'NoInformation' })
    [ordered]@{
        mode = [string]$state[0].Mode
        is_host_guarded = [bool]$state[0].IsHostGuarded
        operation_mode = [string]$state[0].AttestationOperationMode
        status = [string]$state[0].AttestationStatus
        sub_status = $parts
        attestation_url = [string]$state[0].AttestationServerUrl
        key_protection_url = [string]$state[0].KeyProtectionServerUrl
    }
}

ConvertTo-Json -Compress -Depth 8 -InputObject ([ordered]@{
        volume_free_bytes = $(if ($free.Count -gt 0) { $free[0] })
        switch_found = $switches.Count -gt 0
        name_taken = $names -contains $Name
        memory_available_bytes = $memory
        memory_enough = $memory -ge $MemoryBytes
        attestation = $attestation
    })
