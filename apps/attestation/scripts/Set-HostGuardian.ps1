# Puts this host under a guardian service; tells how its attestation went.
[CmdletBinding()]
param(
    [Parameter(Mandatory)][ValidatePattern('^https?://')][string]$AttestationServerUrl,
    [Parameter(Mandatory)][ValidatePattern('^https?://')][string]$KeyProtectionServerUrl
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$hgs = Get-HgsClientConfiguration
if ([string]$hgs.AttestationServerUrl -ne $AttestationServerUrl -or
    [string]$hgs.KeyProtectionServerUrl -ne $KeyProtectionServerUrl) {
    $null = Set-HgsClientConfiguration -AttestationServerUrl $AttestationServerUrl -KeyProtectionServerUrl $KeyProtectionServerUrl
    $hgs = Get-HgsClientConfiguration
}
ConvertTo-Json -Compress -Depth 8 -InputObject @{
    mode = [string]$hgs.Mode
    is_host_guarded = [bool]$hgs.IsHostGuarded
    operation_mode = [string]$hgs.AttestationOperationMode
    status = [string]$hgs.AttestationStatus
    sub_status = @(([string]$hgs.AttestationSubstatus) -split ',\s*' | Where-Object { $_ -and $_ -ne 'NoInformation' })
    attestation_url = [string]$hgs.AttestationServerUrl
    key_protection_url = [string]$hgs.KeyProtectionServerUrl
}
