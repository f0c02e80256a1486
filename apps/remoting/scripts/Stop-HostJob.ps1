# Ends the process of a detached job, if it still runs, and leaves its folder. Repeating it is fine.
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)][guid]$JobId
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$jobs = Join-Path -Path (Join-Path -Path $env:ProgramData -ChildPath 'FabricPortal') -ChildPath 'jobs'
$folder = Join-Path -Path $jobs -ChildPath $JobId.ToString()
$statusFile = Join-Path -Path $folder -ChildPath 'status.json'
$stopped = $false

# Found by the job's folder in the command line: a process id alone may be another's by now.
$processes = @(Get-CimInstance -ClassName Win32_Process -Filter "Name = 'powershell.exe'" |
        Where-Object -FilterScript { ([string]$_.CommandLine).Contains("$($JobId.ToString())\runner.ps1") })
foreach ($process in $processes) {
    $answer = Invoke-CimMethod -InputObject $process -MethodName Terminate
    if ($answer.ReturnValue -ne 0) {
        throw "Windows did not end process $($process.ProcessId): Terminate returned $($answer.ReturnValue)."
    }
    $stopped = $true
}
if ($stopped -and (Test-Path -LiteralPath $statusFile)) {
    $status = [System.IO.File]::ReadAllText($statusFile)
    if ($status.Contains('"state":"running"')) {
        $text = '{"state":"failed","percent":0,"message":"","result":null,"error":{"message":"The job was stopped.",' +
        '"category":"OperationStopped","error_id":"JobStopped","position":"","type":""}}'
        [System.IO.File]::WriteAllText($statusFile, $text)
    }
}
'{"stopped":' + ([string]$stopped).ToLowerInvariant() + '}'
