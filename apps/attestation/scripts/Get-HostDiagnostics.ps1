# Runs the guarded host's own diagnostics. The result's properties are not documented, so each is
# asked for before it is read, and what is missing is told as unknown.
[CmdletBinding()]
param()

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

function Get-Text($Object, [string[]]$Names) {
    foreach ($name in $Names) {
        if ($Object.PSObject.Properties[$name]) { return [string]$Object.$name }
    }
    return ''
}

$trace = @(Get-HgsTrace -RunDiagnostics -Detailed)
$results = @(foreach ($set in $trace) {
    if (-not $set.PSObject.Properties['Results']) { continue }
    foreach ($row in $set.Results) {
        @{
            name = Get-Text $row 'Name', 'Title'
            category = Get-Text $row 'Category'
            result = Get-Text $row 'Result', 'Status'
            message = Get-Text $row 'Message', 'Description'
        }
    }
})
$overall = if ($trace.Count -gt 0) { Get-Text $trace[0] 'OverallResult', 'Result' } else { '' }
if (-not $overall) { $overall = 'Unknown' }
ConvertTo-Json -Compress -Depth 8 -InputObject @{ overall = $overall; results = $results }
