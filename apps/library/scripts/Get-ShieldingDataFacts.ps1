# What a shielding data file says without any key: policy, owner, guardians, template qualifiers.
# The answer file is sealed, and with it the names of the values that it asks for: they are told
# where the host's provider shows them, else there are none here.
[CmdletBinding()]
param([Parameter(Mandatory)][ValidateNotNullOrEmpty()][string]$Path)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

function Get-Certificate($Raw) {
    New-Object -TypeName 'System.Security.Cryptography.X509Certificates.X509Certificate2' -ArgumentList (, [byte[]]$Raw)
}

# A guardian's name is one machine's own word for it; the certificate's subject is everybody's.
function Get-Guardian($Guardian) {
    $signing = Get-Certificate $Guardian.SigningCertificate
    $encryption = Get-Certificate $Guardian.EncryptionCertificate
    $name = if ($Guardian.Name) { [string]$Guardian.Name } else { $signing.GetNameInfo('SimpleName', $false) }
    [ordered]@{ name = $name; thumbprints = @([string]$signing.Thumbprint, [string]$encryption.Thumbprint) }
}

function Get-Qualifier($Filter) {
    [ordered]@{
        name = [string]$Filter.VolumeID
        version_rule = @('Equals', 'GreaterThan', 'GreaterThanOrEquals')[[int]$Filter.VersionRule]
        version = [string]$Filter.Version
        signer_thumbprint = [string](Get-Certificate $Filter.Certificate).Thumbprint
    }
}

$answer = Invoke-CimMethod -Namespace 'root/msps' -ClassName 'Msps_ProvisioningFileProcessor' -MethodName 'PopulateFromFile' -Arguments @{ FilePath = $Path }
$file = $answer.ProvisioningFile
if (-not $file.PSObject.Properties['KeyProtector']) { throw 'The file is no shielding data file.' }
$protector = ConvertTo-HgsKeyProtector -Bytes ([byte[]]$file.KeyProtector)
$filters = @($file.VolumeIDFilters | Where-Object { $_ })
$data = Import-ShieldingDataFile -ShieldingDataFilePath $Path
$policy = $data.PSObject.Properties['Policy']
if (-not $policy) { throw 'This version of Windows does not tell the policy of a shielding data file.' }
$keys = $data.PSObject.Properties['SubstitutionKeys']

ConvertTo-Json -Compress -Depth 8 -InputObject ([ordered]@{
        policy = [string]$policy.Value
        purpose = $(if ($filters.Count -gt 0) { 'NewVM' } else { 'ExistingVM' })
        owner = Get-Guardian $protector.Owner
        guardians = @($protector.Guardians | Where-Object { $_ } | ForEach-Object { Get-Guardian $_ })
        qualifiers = @($filters | ForEach-Object { Get-Qualifier $_ })
        substitution_keys = @(if ($keys) { $keys.Value | ForEach-Object { [string]$_ } })
    })
