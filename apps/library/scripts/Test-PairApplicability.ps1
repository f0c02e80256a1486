# Whether shielding data applies to a template disk, by the disk's volume signature catalog.
# Windows decides; where it says no, both files are compared to say why.
[CmdletBinding()]
param(
    [Parameter(Mandatory)][ValidateNotNullOrEmpty()][string]$CatalogPath,
    [Parameter(Mandatory)][ValidateNotNullOrEmpty()][string]$ShieldingDataPath
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

function Get-ProvisioningFile([string]$Path) {
    (Invoke-CimMethod -Namespace 'root/msps' -ClassName 'Msps_ProvisioningFileProcessor' -MethodName 'PopulateFromFile' -Arguments @{ FilePath = $Path }).ProvisioningFile
}

function Get-Thumbprint($Raw) {
    (New-Object -TypeName 'System.Security.Cryptography.X509Certificates.X509Certificate2' -ArgumentList (, [byte[]]$Raw)).Thumbprint
}

$applicable = [bool](Test-ShieldingDataApplicability -ShieldingDataFilePath $ShieldingDataPath -VolumeSignatureCatalogPath $CatalogPath)
$code, $message = 'applies', 'The template disk is one that the shielding data was made for.'
if (-not $applicable) {
    $catalog = Get-ProvisioningFile $CatalogPath
    $filters = @((Get-ProvisioningFile $ShieldingDataPath).VolumeIDFilters | Where-Object { $_ })
    $named = @($filters | Where-Object { $catalog.VolumeID -like [string]$_.VolumeID })
    $signer = Get-Thumbprint $catalog.Certificate
    $signed = @($named | Where-Object { (Get-Thumbprint $_.Certificate) -eq $signer })
    if ($filters.Count -eq 0) {
        $code, $message = 'no-qualifiers', 'The shielding data is for virtual machines that exist already; it names no template disk.'
    } elseif ($named.Count -eq 0) {
        $names = @($filters | ForEach-Object { "'$($_.VolumeID)'" } | Select-Object -Unique) -join ', '
        $code, $message = 'name-differs', "The shielding data was made for $names, not for '$($catalog.VolumeID)'."
    } elseif ($signed.Count -eq 0) {
        $code, $message = 'signer-differs', "The template disk was signed with the certificate $signer, which the shielding data does not accept."
    } else {
        $words = @($signed | ForEach-Object { "$(@('exactly', 'newer than', 'at least')[[int]$_.VersionRule]) $($_.Version)" }) -join ' or '
        $code, $message = 'version-differs', "The shielding data accepts version $words of '$($catalog.VolumeID)'; the template disk has $($catalog.Version)."
    }
}

ConvertTo-Json -Compress -Depth 8 -InputObject ([ordered]@{ applicable = $applicable; code = $code; message = $message })
