# Goes on for some seconds and says four times a second, as progress, which process it is. Changes nothing.
[CmdletBinding()]
param([Parameter(Mandatory)][ValidateRange(1, 3600)][int]$Seconds)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$watch = [Diagnostics.Stopwatch]::StartNew()
do {
    $percent = [int][Math]::Min(99, 100 * $watch.Elapsed.TotalSeconds / $Seconds)
    ConvertTo-Json -Compress -InputObject ([ordered]@{ progress = $percent; message = [string]$PID })
    Start-Sleep -Milliseconds 250
} while ($watch.Elapsed.TotalSeconds -lt $Seconds)
ConvertTo-Json -Compress -Depth 8 -InputObject @{ process_id = [int]$PID; seconds = $Seconds }
