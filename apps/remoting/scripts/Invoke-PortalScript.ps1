# Runs one script of the portal. Standard input: two lines of base64, the script's text and the
# JSON object of its parameters. Standard output: lines of a letter and base64 JSON, where
# p = progress, r = the result, e = the error record that ended it.
# powershell.exe reads standard input itself and hands it over as $input: [Console]::In would
# compete with it for the lines.
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$utf8 = New-Object -TypeName System.Text.UTF8Encoding -ArgumentList $false

function Write-Frame([string]$Kind, [string]$Json) {
    [Console]::Out.WriteLine($Kind + ' ' + [Convert]::ToBase64String($utf8.GetBytes($Json)))
    [Console]::Out.Flush()
}

function ConvertFrom-Base64([string]$Line) {
    $utf8.GetString([Convert]::FromBase64String($Line.Trim([char]0xFEFF, [char]32)))
}

# JSON objects become hashtables, so that they can be splatted and bound to [hashtable].
function ConvertTo-Native($Value) {
    if ($Value -is [System.Management.Automation.PSCustomObject]) {
        $table = @{}
        foreach ($p in $Value.PSObject.Properties) { $table[$p.Name] = ConvertTo-Native $p.Value }
        return $table
    }
    if ($Value -is [array]) {
        return , @($Value | ForEach-Object -Process { ConvertTo-Native $_ })
    }
    $Value
}

try {
    $lines = @($input)
    $script = [scriptblock]::Create((ConvertFrom-Base64 $lines[0]))
    $parameters = ConvertTo-Native (ConvertFrom-Json -InputObject (ConvertFrom-Base64 $lines[1]))
    $result = $null
    & $script @parameters 3>$null 4>$null 5>$null 6>$null | ForEach-Object -Process {
        if ($_ -isnot [string]) { throw 'The script wrote an object that is no text.' }
        if ($_.StartsWith('{"progress":')) { Write-Frame 'p' $_ } else { $result = $_ }
    }
    if ($null -eq $result) { throw 'The script ended without a result.' }
    Write-Frame 'r' $result
    exit 0
}
catch {
    $problem = $_.Exception
    if ($problem -is [System.Management.Automation.MethodInvocationException]) {
        $problem = $problem.GetBaseException()
    }
    $position = ''
    if ($_.InvocationInfo) { $position = [string]$_.InvocationInfo.PositionMessage }
    Write-Frame 'e' (ConvertTo-Json -Compress -InputObject @{
            message = $problem.Message
            category = [string]$_.CategoryInfo.Category
            error_id = $_.FullyQualifiedErrorId
            position = $position
            type = $problem.GetType().FullName
        })
    exit 1
}
