# Which of the commands and parameters that the portal's scripts use this host lacks. Each of Needed is
# a module, a command of it and the command's parameters, with bars between. A command that comes from
# another module than the documented one is told, too: another product's would be called in its place.
[CmdletBinding()]
param([Parameter(Mandatory)][ValidateNotNullOrEmpty()][string[]]$Needed)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$gaps = @(foreach ($one in $Needed) {
        $module, $name, $wanted = $one -split '\|'
        $found = @(Get-Command -Name $name -ErrorAction SilentlyContinue)
        $lacking, $source = @($wanted | Where-Object { $_ }), ''
        if ($found.Count -gt 0) {
            $known = @(if ($found[0].Parameters) { $found[0].Parameters.Values | ForEach-Object { [string]$_.Name; $_.Aliases } })
            $lacking = @($lacking | Where-Object { $known -notcontains $_ })
            $source = [string]$found[0].ModuleName
        }
        if ($found.Count -eq 0 -or $lacking.Count -gt 0 -or ($source -and $source -ne $module)) {
            [ordered]@{ module = $module; command = $name; found = $found.Count -gt 0; parameters = $lacking; source = $source }
        }
    })
ConvertTo-Json -Compress -Depth 8 -InputObject @{ gaps = $gaps }
