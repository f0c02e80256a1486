# The PowerShell that runs this: its version, its language mode, its .NET, the TLS that it speaks.
[CmdletBinding()]
param()

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

# .NET Framework 4.5 and later tell their version by this number alone.
$key = 'HKLM:\SOFTWARE\Microsoft\NET Framework Setup\NDP\v4\Full'
$installed = @(Get-ItemProperty -LiteralPath $key -ErrorAction SilentlyContinue)
$release = if ($installed.Count -gt 0 -and $installed[0].PSObject.Properties['Release']) { [int]$installed[0].Release } else { 0 }

ConvertTo-Json -Compress -Depth 8 -InputObject @{
    process_id = [int]$PID
    ps_version = '{0}.{1}.{2}' -f $PSVersionTable.PSVersion.Major, $PSVersionTable.PSVersion.Minor, $PSVersionTable.PSVersion.Build
    ps_edition = [string]$PSVersionTable.PSEdition
    language_mode = [string]$ExecutionContext.SessionState.LanguageMode
    dotnet_release = $release
    security_protocols = [string][Net.ServicePointManager]::SecurityProtocol
}
