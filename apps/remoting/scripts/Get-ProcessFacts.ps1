# Whether a PowerShell process runs on this host, and the command line that it was started with.
[CmdletBinding()]
param([Parameter(Mandatory)][ValidateRange(1, 2147483647)][int]$ProcessId)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$found = @(Get-CimInstance -ClassName 'Win32_Process' -Filter "Name = 'powershell.exe'" |
        Where-Object { [int]$_.ProcessId -eq $ProcessId })
ConvertTo-Json -Compress -Depth 8 -InputObject @{
    is_running = $found.Count -gt 0
    command_line = if ($found.Count -gt 0) { [string]$found[0].CommandLine } else { '' }
}
