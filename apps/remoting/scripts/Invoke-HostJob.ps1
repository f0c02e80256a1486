# Runs the script of a detached job: lies in the job's folder as runner.ps1, next to script.ps1
# and parameters.json, and keeps status.json and transcript.txt there up to date.
[CmdletBinding()]
param()
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$utf8 = New-Object -TypeName System.Text.UTF8Encoding -ArgumentList $false
$status = @{ percent = 0; message = '' }

function Get-Part([string]$Name) {
    Join-Path -Path $PSScriptRoot -ChildPath $Name
}

# A file that somebody reads at this moment can't be replaced: wait for the reader.
function Write-Status([string]$State, [string]$Result = 'null', [string]$Problem = 'null') {
    $head = ConvertTo-Json -Compress -InputObject @{ state = $State; percent = $status.percent; message = $status.message }
    $text = $head.TrimEnd('}') + ',"result":' + $Result + ',"error":' + $Problem + '}'
    [System.IO.File]::WriteAllText((Get-Part -Name 'status.new'), $text, $utf8)
    for ($attempt = 1; ; $attempt++) {
        try {
            Move-Item -LiteralPath (Get-Part -Name 'status.new') -Destination (Get-Part -Name 'status.json') -Force
            return
        }
        catch {
            if ($attempt -ge 50) { throw }
            Start-Sleep -Milliseconds 100
        }
    }
}

function Add-Transcript([string]$Line) {
    $now = [DateTime]::UtcNow.ToString('yyyy-MM-ddTHH:mm:ssZ', [System.Globalization.CultureInfo]::InvariantCulture)
    [System.IO.File]::AppendAllText((Get-Part -Name 'transcript.txt'), "$now $Line`r`n", $utf8)
}

function ConvertTo-Native($Value) {
    if ($Value -is [System.Management.Automation.PSCustomObject]) {
        $table = @{}
        foreach ($property in $Value.PSObject.Properties) { $table[$property.Name] = ConvertTo-Native $property.Value }
        return $table
    }
    if ($Value -is [array]) { return , @($Value | ForEach-Object -Process { ConvertTo-Native $_ }) }
    $Value
}

try {
    Write-Status -State 'running'
    $json = [System.IO.File]::ReadAllText((Get-Part -Name 'parameters.json'))
    $parameters = ConvertTo-Native (ConvertFrom-Json -InputObject $json)
    $script = [scriptblock]::Create([System.IO.File]::ReadAllText((Get-Part -Name 'script.ps1')))
    $result = $null
    & $script @parameters 3>$null 4>$null 5>$null 6>$null | ForEach-Object -Process {
        $line = [string]$_
        if ($line.StartsWith('{"progress":')) {
            $progress = ConvertFrom-Json -InputObject $line
            $status.percent = [int]$progress.progress
            $status.message = [string]$progress.message
            Add-Transcript -Line ('{0} % {1}' -f $status.percent, $status.message)
            Write-Status -State 'running'
        }
        else { $result = $line }
    }
    if ($null -eq $result) { throw 'The script ended without a result.' }
    $status.percent = 100
    Write-Status -State 'succeeded' -Result $result
}
catch {
    $position = ''
    if ($_.InvocationInfo) { $position = [string]$_.InvocationInfo.PositionMessage }
    Add-Transcript -Line $_.Exception.Message
    Write-Status -State 'failed' -Problem (ConvertTo-Json -Compress -InputObject @{
            message = $_.Exception.Message; category = [string]$_.CategoryInfo.Category
            error_id = $_.FullyQualifiedErrorId; position = $position; type = $_.Exception.GetType().FullName
        })
    exit 1
}
