# Whether this host has what the portal needs: PowerShell, the modules, rights, a cluster.
[CmdletBinding()]
param()

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$os = Get-CimInstance -ClassName 'Win32_OperatingSystem'
$found = @(Get-Module -ListAvailable -Name 'Hyper-V', 'FailoverClusters', 'HgsClient' | ForEach-Object { [string]$_.Name })
$modules = @{}
foreach ($name in 'Hyper-V', 'FailoverClusters', 'HgsClient') { $modules[$name] = $found -contains $name }

# An account that is no administrator cannot read the virtualization namespace.
$administrator = $true
try { $null = @(Get-VMHost) } catch { $administrator = $false }

$cluster = $null
if ($modules['FailoverClusters']) {
    $own = @(Get-Cluster -ErrorAction SilentlyContinue)
    if ($own.Count -gt 0) { $cluster = @{ name = [string]$own[0].Name } }
}

ConvertTo-Json -Compress -Depth 8 -InputObject @{
    computer_name = [string]$os.CSName
    ps_version = '{0}.{1}.{2}' -f $PSVersionTable.PSVersion.Major, $PSVersionTable.PSVersion.Minor, $PSVersionTable.PSVersion.Build
    os = [string]$os.Caption
    is_administrator = $administrator
    modules = $modules
    cluster = $cluster
}
