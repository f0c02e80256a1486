# Runs one script after the other in this process. Standard input holds a line for each: its number,
# the SHA-256 of the script's text, that text, the JSON object of its parameters; the last two in
# base64, and "-" for a text that this process has run before. Standard output: lines of a letter,
# the number, base64 JSON; p = progress, r = the result, e = the error record that ended it. With r
# and e, which end a call, goes the memory of this process in bytes.
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)][System.Collections.IEnumerator]$Lines
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$utf8 = New-Object -TypeName System.Text.UTF8Encoding -ArgumentList $false
$known = @{}

function Write-Frame([string]$Kind, [string]$Json) {
    $frame = $Kind + ' ' + $number + ' ' + [Convert]::ToBase64String($utf8.GetBytes($Json))
    if ($Kind -cne 'p') { $frame = $frame + ' ' + [Environment]::WorkingSet }
    [Console]::Out.WriteLine($frame)
    [Console]::Out.Flush()
}

function ConvertFrom-Base64([string]$Text) {
    $utf8.GetString([Convert]::FromBase64String($Text))
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

function Get-ErrorJson($Record) {
    $problem = $Record.Exception
    if ($problem -is [System.Management.Automation.MethodInvocationException]) {
        $problem = $problem.GetBaseException()
    }
    $position = ''
    if ($Record.InvocationInfo) { $position = [string]$Record.InvocationInfo.PositionMessage }
    ConvertTo-Json -Compress -InputObject @{
        message = $problem.Message
        category = [string]$Record.CategoryInfo.Category
        error_id = $Record.FullyQualifiedErrorId
        position = $position
        type = $problem.GetType().FullName
    }
}

while ($Lines.MoveNext()) {
    $number, $digest, $text, $json = ([string]$Lines.Current).Trim([char]0xFEFF, [char]32) -split ' '
    try {
        if ($text -cne '-') { $known[$digest] = [scriptblock]::Create((ConvertFrom-Base64 $text)) }
        $script = $known[$digest]
        $parameters = ConvertTo-Native (ConvertFrom-Json -InputObject (ConvertFrom-Base64 $json))
        $result = $null
        & $script @parameters 3>$null 4>$null 5>$null 6>$null | ForEach-Object -Process {
            if ($_ -isnot [string]) { throw 'The script wrote an object that is no text.' }
            if ($_.StartsWith('{"progress":')) { Write-Frame 'p' $_ } else { $result = $_ }
        }
        if ($null -eq $result) { throw 'The script ended without a result.' }
        Write-Frame 'r' $result
    }
    catch {
        Write-Frame 'e' (Get-ErrorJson $_)
    }
    $Error.Clear()
}
