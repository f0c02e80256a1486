# What WinRM on this host grants: quotas of shells and the largest envelope. Null: it was not told.
[CmdletBinding()]
param()

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

# A setting that a group policy made has an attribute, and comes as an element in place of text.
function Get-Number($Object, [string]$Name) {
    $property = $Object.PSObject.Properties[$Name]
    if (-not $property) { return $null }
    $text = if ($property.Value -is [System.Xml.XmlElement]) { $property.Value.InnerText } else { [string]$property.Value }
    if ($text -match '^\d+$') { return [long]$text }
    return $null
}

$shells = Get-WSManInstance -ResourceURI 'winrm/config/winrs'
$service = Get-WSManInstance -ResourceURI 'winrm/config'
ConvertTo-Json -Compress -Depth 8 -InputObject @{
    shells_per_user = Get-Number $shells 'MaxShellsPerUser'
    processes_per_shell = Get-Number $shells 'MaxProcessesPerShell'
    memory_per_shell_mb = Get-Number $shells 'MaxMemoryPerShellMB'
    idle_timeout_ms = Get-Number $shells 'IdleTimeout'
    envelope_size_kb = Get-Number $service 'MaxEnvelopeSizekb'
}
