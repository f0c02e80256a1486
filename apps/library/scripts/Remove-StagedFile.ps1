# Removes files that the portal brought to this host, and what came of those that are unfinished.
# What is gone already is passed over.
[CmdletBinding()]
param([Parameter(Mandatory)][ValidateNotNullOrEmpty()][string[]]$Paths)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$removed = @(foreach ($path in $Paths) {
        foreach ($each in $path, "$path.part") {
            if (Test-Path -LiteralPath $each) {
                Remove-Item -LiteralPath $each -Force
                $each
            }
        }
    })
ConvertTo-Json -Compress -Depth 8 -InputObject @{ removed = $removed }
