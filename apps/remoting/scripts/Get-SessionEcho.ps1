# Gives a text back, as often as it is asked for, and the process that did so: whether what is sent
# and what is answered arrive whole, and whether one process serves several calls.
[CmdletBinding()]
param(
    [Parameter(Mandatory)][ValidateNotNullOrEmpty()][string]$Text,
    [ValidateRange(1, 10000000)][int]$Repeat = 1
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

ConvertTo-Json -Compress -Depth 8 -InputObject @{ process_id = [int]$PID; text = $Text * $Repeat }
