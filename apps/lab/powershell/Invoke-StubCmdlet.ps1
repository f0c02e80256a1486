# Dot-sourced by a test engine whose cmdlets are stubs: every call goes to the lab's cmdlet layer.
# Dates and durations come tagged, as JSON has neither.
function ConvertFrom-Tagged($Value) {
    # Bytes and names need no look at each; lists hold values of one kind.
    if ($Value -is [array]) {
        if ($Value.Count -eq 0 -or $Value[0] -isnot [System.Management.Automation.PSCustomObject]) { return , $Value }
        return , @($Value | ForEach-Object { ConvertFrom-Tagged $_ })
    }
    if ($Value -isnot [System.Management.Automation.PSCustomObject]) { return $Value }
    $properties = $Value.PSObject.Properties
    if ($properties['$date']) { return [datetime]::Parse($Value.'$date', [cultureinfo]::InvariantCulture, 'RoundtripKind') }
    if ($properties['$seconds']) { return [timespan]::FromSeconds($Value.'$seconds') }
    foreach ($property in @($properties)) {
        if ($property.Value -is [array] -or $property.Value -is [System.Management.Automation.PSCustomObject]) {
            $property.Value = ConvertFrom-Tagged $property.Value
        }
    }
    $Value
}

function Invoke-StubCmdlet {
    param([string]$Name, [hashtable]$Parameters, [object[]]$InputObjects)
    $body = @{ name = $Name; parameters = $Parameters; input = @($InputObjects) } | ConvertTo-Json -Compress -Depth 8
    $reply = Invoke-RestMethod -Uri $env:LAB_CMDLETS_URL -Method Post -Body ([Text.Encoding]::UTF8.GetBytes($body)) -ContentType 'application/json; charset=utf-8'
    $objects = ConvertFrom-Tagged @($reply.output)
    $objects
    # $PSCmdlet is the stub's own: the record bears its name and the place where it was called.
    foreach ($problem in @($reply.errors)) {
        $exception = New-Object -TypeName System.Management.Automation.RuntimeException -ArgumentList $problem.message
        $record = New-Object -TypeName System.Management.Automation.ErrorRecord -ArgumentList $exception, $problem.id, $problem.category, $null
        $PSCmdlet.WriteError($record)
    }
}

# The engine's own file cmdlets see its machine's files; these see the lab's.
function Test-Path {
    [CmdletBinding()]
    param([string[]]$LiteralPath)
    if ($LiteralPath -notmatch '^[A-Za-z]:\\') { return Microsoft.PowerShell.Management\Test-Path -LiteralPath $LiteralPath }
    Invoke-StubCmdlet -Name 'Test-Path' -Parameters @{ LiteralPath = $LiteralPath } -InputObjects @()
}

function Remove-Item {
    [CmdletBinding()]
    param([string[]]$LiteralPath, [switch]$Recurse, [switch]$Force)
    if ($LiteralPath -notmatch '^[A-Za-z]:\\') { return Microsoft.PowerShell.Management\Remove-Item -LiteralPath $LiteralPath -Recurse:$Recurse -Force:$Force }
    Invoke-StubCmdlet -Name 'Remove-Item' -Parameters @{ LiteralPath = $LiteralPath; Recurse = [bool]$Recurse } -InputObjects @()
}

function Get-Module {
    [CmdletBinding()]
    param([string[]]$Name, [switch]$ListAvailable)
    Invoke-StubCmdlet -Name 'Get-Module' -Parameters @{ Name = $Name; ListAvailable = [bool]$ListAvailable } -InputObjects @()
}

function Get-FileHash {
    [CmdletBinding()]
    param([string]$LiteralPath, [string]$Algorithm = 'SHA256')
    if ($LiteralPath -notmatch '^[A-Za-z]:\\') { return Microsoft.PowerShell.Utility\Get-FileHash -LiteralPath $LiteralPath -Algorithm $Algorithm }
    Invoke-StubCmdlet -Name 'Get-FileHash' -Parameters @{ LiteralPath = $LiteralPath } -InputObjects @()
}

function Get-ItemProperty {
    [CmdletBinding()]
    param([string]$LiteralPath)
    Invoke-StubCmdlet -Name 'Get-ItemProperty' -Parameters @{ LiteralPath = $LiteralPath } -InputObjects @()
}

function New-Item {
    [CmdletBinding()]
    param([string]$Path, [string]$ItemType, [switch]$Force)
    if ($Path -notmatch '^[A-Za-z]:\\') { return Microsoft.PowerShell.Management\New-Item -Path $Path -ItemType $ItemType -Force:$Force }
    Invoke-StubCmdlet -Name 'New-Item' -Parameters @{ Path = $Path; ItemType = $ItemType } -InputObjects @()
}

function Copy-Item {
    [CmdletBinding()]
    param([string]$LiteralPath, [string]$Destination)
    Invoke-StubCmdlet -Name 'Copy-Item' -Parameters @{ LiteralPath = $LiteralPath; Destination = $Destination } -InputObjects @()
}

function Move-Item {
    [CmdletBinding()]
    param([string]$LiteralPath, [string]$Destination, [switch]$Force)
    if ($LiteralPath -notmatch '^[A-Za-z]:\\') { return Microsoft.PowerShell.Management\Move-Item -LiteralPath $LiteralPath -Destination $Destination -Force:$Force }
    Invoke-StubCmdlet -Name 'Move-Item' -Parameters @{ LiteralPath = $LiteralPath; Destination = $Destination } -InputObjects @()
}

# Windows' serializer of CIM instances, by its name: the lab's text of an instance is JSON.
class LabCimSerializer {
    static [LabCimSerializer] Create() { return [LabCimSerializer]::new() }
    [byte[]] Serialize([object]$Instance, [object]$Options) {
        return [Text.Encoding]::Unicode.GetBytes((ConvertTo-Json -Compress -Depth 8 -InputObject $Instance))
    }
}
enum LabSerializationOptions { None }
$accelerators = [psobject].Assembly.GetType('System.Management.Automation.TypeAccelerators')
$space = 'Microsoft.Management.Infrastructure.Serialization'
$accelerators::Add("$space.CimSerializer", [LabCimSerializer])
$accelerators::Add("$space.InstanceSerializationOptions", [LabSerializationOptions])
