# Writes the file of values for the placeholders of a shielded answer file, anew each time.
[CmdletBinding()]
param(
    [Parameter(Mandatory)][ValidateNotNullOrEmpty()][string]$Path,
    [ValidateNotNull()][hashtable]$Pairs = @{}
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

foreach ($key in $Pairs.Keys) {
    if ([string]$key -notmatch '\A@[^@\r\n]+@\z') { throw "'$key' is no placeholder: one looks like @ComputerName@." }
    if ($Pairs[$key] -isnot [string] -or -not $Pairs[$key]) { throw "The value for $key has to be text that is not empty." }
}
if (Test-Path -LiteralPath $Path) { Remove-Item -LiteralPath $Path -Force }
New-ShieldedVMSpecializationDataFile -ShieldedVMSpecializationDataFilePath $Path -SpecializationDataPairs $Pairs
ConvertTo-Json -Compress -Depth 8 -InputObject @{ path = $Path }
