# Which of the WMI classes, methods and properties that the portal's scripts use this host lacks. Each
# of Needed is a namespace, a class of it and the class's members, with bars between.
[CmdletBinding()]
param([Parameter(Mandatory)][ValidateNotNullOrEmpty()][string[]]$Needed)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$gaps = @(foreach ($one in $Needed) {
        $namespace, $name, $wanted = $one -split '\|'
        $problem, $known = '', @()
        try {
            $class = Get-CimClass -Namespace $namespace -ClassName $name
            $known = @(@($class.CimClassMethods) + @($class.CimClassProperties) | ForEach-Object { [string]$_.Name })
        } catch {
            $problem = ([string]$_.Exception.Message).Trim()
        }
        $lacking = @($wanted | Where-Object { $_ -and $known -notcontains $_ })
        if ($problem -or $lacking.Count -gt 0) {
            [ordered]@{ namespace = $namespace; class = $name; members = $lacking; problem = $problem }
        }
    })
ConvertTo-Json -Compress -Depth 8 -InputObject @{ gaps = $gaps }
