# Removes the folder of a detached job that has ended. Refuses while its process runs.
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)][guid]$JobId
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$jobs = Join-Path -Path (Join-Path -Path $env:ProgramData -ChildPath 'FabricPortal') -ChildPath 'jobs'
$folder = Join-Path -Path $jobs -ChildPath $JobId.ToString()

$running = @(Get-CimInstance -ClassName Win32_Process -Filter "Name = 'powershell.exe'" |
        Where-Object -FilterScript { ([string]$_.CommandLine).Contains("$($JobId.ToString())\runner.ps1") })
if ($running.Count -gt 0) {
    throw "Job $JobId is still running: stop it first."
}
$removed = Test-Path -LiteralPath $folder
if ($removed) {
    Remove-Item -LiteralPath $folder -Recurse -Force
}
'{"removed":' + ([string]$removed).ToLowerInvariant() + '}'
