# The state of a detached job, and its transcript from a byte offset on (whole lines, 64 kB at most).
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)][guid]$JobId,
    [ValidateRange(0, [long]::MaxValue)][long]$Offset = 0
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$jobs = Join-Path -Path (Join-Path -Path $env:ProgramData -ChildPath 'FabricPortal') -ChildPath 'jobs'
$folder = Join-Path -Path $jobs -ChildPath $JobId.ToString()
$statusFile = Join-Path -Path $folder -ChildPath 'status.json'
$transcriptFile = Join-Path -Path $folder -ChildPath 'transcript.txt'

# Shares the file with its writer, deleting included, so that the job is never held up.
function Read-Part([string]$Path, [long]$From, [int]$Limit) {
    $stream = [System.IO.File]::Open($Path, 'Open', 'Read', 'ReadWrite, Delete')
    try {
        $start = $stream.Seek([Math]::Min($From, $stream.Length), 'Begin')
        $buffer = New-Object -TypeName 'byte[]' -ArgumentList ([Math]::Min($Limit, $stream.Length - $start))
        $count = $stream.Read($buffer, 0, $buffer.Length)
        return [System.Text.Encoding]::UTF8.GetString($buffer, 0, $count)
    }
    finally { $stream.Dispose() }
}

function Read-Status {
    (Read-Part -Path $statusFile -From 0 -Limit 16777216).TrimStart([char]0xFEFF)
}

function Test-JobProcess {
    $processes = @(Get-CimInstance -ClassName Win32_Process -Filter "Name = 'powershell.exe'" |
            Where-Object -FilterScript { ([string]$_.CommandLine).Contains("$($JobId.ToString())\runner.ps1") })
    $processes.Count -gt 0
}

if (-not (Test-Path -LiteralPath $statusFile)) {
    '{"status":{"state":"gone","percent":0,"message":"","result":null,"error":null},"transcript":"","next_offset":0}'
    return
}
$status = Read-Status
if ($status.Contains('"state":"running"') -and -not (Test-JobProcess)) {
    $status = Read-Status  # it may have ended between the two
    if ($status.Contains('"state":"running"')) {
        $status = '{"state":"failed","percent":0,"message":"","result":null,"error":{"message":' +
        '"The process of the job ended without a result.","category":"ResourceUnavailable",' +
        '"error_id":"JobProcessEnded","position":"","type":""}}'
    }
}
$text = Read-Part -Path $transcriptFile -From $Offset -Limit 65536
$text = $text.Substring(0, $text.LastIndexOf("`n") + 1)
$next = $Offset + [System.Text.Encoding]::UTF8.GetByteCount($text)
$shown = ConvertTo-Json -Compress -InputObject $text.TrimStart([char]0xFEFF)
'{"status":' + $status + ',"transcript":' + $shown + ',"next_offset":' + $next + '}'
