# Takes the volume signature catalog out of a protected template disk and tells what it says.
# Windows checks its signature on the way: a catalog that loads is unchanged.
[CmdletBinding()]
param(
    [Parameter(Mandatory)][ValidateNotNullOrEmpty()][string]$Path,
    [Parameter(Mandatory)][ValidateNotNullOrEmpty()][string]$CatalogPath
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

if (Test-Path -LiteralPath $CatalogPath) { Remove-Item -LiteralPath $CatalogPath -Force }
Save-VolumeSignatureCatalog -TemplateDiskPath $Path -VolumeSignatureCatalogPath $CatalogPath
$answer = Invoke-CimMethod -Namespace 'root/msps' -ClassName 'Msps_ProvisioningFileProcessor' -MethodName 'PopulateFromFile' -Arguments @{ FilePath = $CatalogPath }
$catalog = $answer.ProvisioningFile
if (-not $catalog.PSObject.Properties['VolumeID']) { throw 'What the disk holds is no volume signature catalog.' }
$signer = New-Object -TypeName 'System.Security.Cryptography.X509Certificates.X509Certificate2' -ArgumentList (, [byte[]]$catalog.Certificate)

ConvertTo-Json -Compress -Depth 8 -InputObject ([ordered]@{
        catalog = [ordered]@{
            name = [string]$catalog.VolumeID
            version = [string]$catalog.Version
            signer_thumbprint = [string]$signer.Thumbprint
        }
        catalog_sha256 = ([string](Get-FileHash -LiteralPath $CatalogPath -Algorithm SHA256).Hash).ToLowerInvariant()
    })
