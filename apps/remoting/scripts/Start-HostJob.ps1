# Starts a script as a process of its own, which outlives this session: WMI creates it.
# Its folder holds what it needs and what it says, readable by administrators only. Started again
# with the same id it tells the state of the job that is there.
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)][guid]$JobId,
    [Parameter(Mandatory = $true)][ValidateNotNullOrEmpty()][string]$RunnerText,
    [Parameter(Mandatory = $true)][ValidateNotNullOrEmpty()][string]$ScriptText,
    [Parameter(Mandatory = $true)][ValidateNotNullOrEmpty()][string]$ParametersJson
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$root = Join-Path -Path $env:ProgramData -ChildPath 'FabricPortal'
$folder = Join-Path -Path (Join-Path -Path $root -ChildPath 'jobs') -ChildPath $JobId.ToString()
$statusFile = Join-Path -Path $folder -ChildPath 'status.json'

# Any user may create folders in ProgramData: take what is there over before trusting it.
function New-PrivateFolder([string]$Path) {
    $null = New-Item -ItemType Directory -Path $Path -Force
    $administrators = New-Object -TypeName System.Security.Principal.SecurityIdentifier -ArgumentList 'S-1-5-32-544'
    $system = New-Object -TypeName System.Security.Principal.SecurityIdentifier -ArgumentList 'S-1-5-18'
    $security = New-Object -TypeName System.Security.AccessControl.DirectorySecurity
    $security.SetOwner($administrators)
    $security.SetAccessRuleProtection($true, $false)
    foreach ($who in $administrators, $system) {
        $rule = New-Object -TypeName System.Security.AccessControl.FileSystemAccessRule -ArgumentList @(
            $who, 'FullControl', 'ContainerInherit, ObjectInherit', 'None', 'Allow')
        $security.AddAccessRule($rule)
    }
    Set-Acl -LiteralPath $Path -AclObject $security
}

function Write-Text([string]$Name, [string]$Text) {
    # Windows PowerShell reads a script without a byte order mark in the host's code page.
    $encoding = New-Object -TypeName System.Text.UTF8Encoding -ArgumentList $true
    [System.IO.File]::WriteAllText((Join-Path -Path $folder -ChildPath $Name), $Text, $encoding)
}

if (-not (Test-Path -LiteralPath $statusFile)) {
    New-PrivateFolder -Path $root
    New-PrivateFolder -Path $folder
    Write-Text -Name 'runner.ps1' -Text $RunnerText
    Write-Text -Name 'script.ps1' -Text $ScriptText
    Write-Text -Name 'parameters.json' -Text $ParametersJson
    Write-Text -Name 'transcript.txt' -Text ''
    Write-Text -Name 'status.json' -Text '{"state":"running","percent":0,"message":"","result":null,"error":null}'
    $runner = Join-Path -Path $folder -ChildPath 'runner.ps1'
    # A job without a process must not look like one that runs: it can be started again then.
    try {
        $created = Invoke-CimMethod -ClassName Win32_Process -MethodName Create -Arguments @{
            CommandLine = "powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -File `"$runner`""
            CurrentDirectory = $folder
        }
        if ($created.ReturnValue -ne 0) { throw "Windows did not create the job's process: Win32_Process.Create returned $($created.ReturnValue)." }
    }
    catch {
        Remove-Item -LiteralPath $statusFile
        throw
    }
}
'{"job_id":"' + $JobId.ToString() + '"}'
