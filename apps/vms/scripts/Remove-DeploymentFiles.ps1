# Removes files of a deployment that are needed no more, and its folder where one is named.
# What is gone already is passed over.
[CmdletBinding()]
param(
    [string[]]$Paths = @(),
    [string]$Folder = ''
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$removed = @(foreach ($path in @($Paths) + @($Folder)) {
        if ($path -and (Test-Path -LiteralPath $path)) {
            Remove-Item -LiteralPath $path -Recurse -Force
            $path
        }
    })
ConvertTo-Json -Compress -Depth 8 -InputObject @{ removed = $removed }
