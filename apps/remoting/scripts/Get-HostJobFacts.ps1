# Who may read the folder of a detached job and the folder of all jobs' parent, as SDDL; and the
# processes whose command line names the job.
[CmdletBinding()]
param([Parameter(Mandatory)][guid]$JobId)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$root = Join-Path -Path $env:ProgramData -ChildPath 'FabricPortal'
$folder = Join-Path -Path (Join-Path -Path $root -ChildPath 'jobs') -ChildPath $JobId.ToString()
$processes = @(Get-CimInstance -ClassName Win32_Process -Filter "Name = 'powershell.exe'" |
        Where-Object -FilterScript { ([string]$_.CommandLine).Contains("$($JobId.ToString())\runner.ps1") } |
        ForEach-Object { [int]$_.ProcessId })
ConvertTo-Json -Compress -Depth 8 -InputObject @{
    root_sddl = [string](Get-Acl -LiteralPath $root).Sddl
    folder_sddl = [string](Get-Acl -LiteralPath $folder).Sddl
    processes = $processes
}
