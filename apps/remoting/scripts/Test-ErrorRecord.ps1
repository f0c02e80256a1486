# Ends with the error of a file that is not there: how an error record comes to the portal.
[CmdletBinding()]
param([Parameter(Mandatory)][ValidateNotNullOrEmpty()][string]$Path)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$null = Get-Item -LiteralPath $Path
ConvertTo-Json -Compress -Depth 8 -InputObject @{ path = $Path }
