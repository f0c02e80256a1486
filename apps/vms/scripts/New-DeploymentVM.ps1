# Makes the virtual machine of a deployment in a folder of its own: a copy of the disk at DiskPath,
# or a new disk of NewDiskBytes. The deployment's id in its notes tells it from others; what an
# attempt that was cut off has done already is found and gone on with.
[CmdletBinding()]
param(
    [Parameter(Mandatory)][guid]$DeploymentId,
    [Parameter(Mandatory)][ValidateNotNullOrEmpty()][string]$Name,
    [Parameter(Mandatory)][ValidateNotNullOrEmpty()][string]$Folder,
    [string]$DiskPath = '',
    [ValidateRange(0, 70368744177664)][long]$NewDiskBytes = 0,
    [Parameter(Mandatory)][ValidateRange(33554432, 26388279066624)][long]$MemoryBytes,
    [ValidateRange(1, 2048)][int]$ProcessorCount = 1,
    [string]$SwitchName = '',
    [string]$IsoPath = ''
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

function Write-Progression([int]$Percent, [string]$Message) {
    ConvertTo-Json -Compress -InputObject ([ordered]@{ progress = $Percent; message = $Message })
}

$mark = "Fabric Portal deployment $DeploymentId"
$root = $Folder.TrimEnd('\')
$disk = "$root\$Name.vhdx"
$same = @(Get-VM | Where-Object { [string]$_.Name -eq $Name -or ([string]$_.Notes).Contains($mark) })
$own = @($same | Where-Object { ([string]$_.Notes).Contains($mark) -or
        ([string]$_.Path).StartsWith("$root\", [StringComparison]::OrdinalIgnoreCase) })
if ($own.Count -eq 0 -and $same.Count -gt 0) { throw "This host has a virtual machine named '$Name' already." }
if ($own.Count -eq 0) {
    if (-not (Test-Path -LiteralPath $root)) { $null = New-Item -ItemType Directory -Path $root -Force }
    if (-not (Test-Path -LiteralPath $disk)) {
        Write-Progression 5 "Preparing the disk of $Name"
        # The name comes last, so that a disk that has its name is whole.
        if (Test-Path -LiteralPath "$disk.part.vhdx") { Remove-Item -LiteralPath "$disk.part.vhdx" -Force }
        if ($DiskPath) { Copy-Item -LiteralPath $DiskPath -Destination "$disk.part.vhdx" }
        elseif ($NewDiskBytes -gt 0) { $null = New-VHD -Path "$disk.part.vhdx" -SizeBytes $NewDiskBytes -Dynamic }
        else { throw 'Neither a disk nor the size of a new one was given.' }
        Move-Item -LiteralPath "$disk.part.vhdx" -Destination $disk
    }
    Write-Progression 80 "Creating $Name"
    $choice = if ($SwitchName) { @{ SwitchName = $SwitchName } } else { @{} }
    $null = New-VM -Name $Name -Generation 2 -Path $root -VHDPath $disk -MemoryStartupBytes $MemoryBytes @choice
    $own = @(Get-VM | Where-Object { [string]$_.Name -eq $Name })
}
$vm = $own[0]
if (([string]$vm.Notes).Contains($mark) -eq $false -and [string]$vm.State -eq 'Off') {
    Set-VMProcessor -VM $vm -Count $ProcessorCount
    if ($IsoPath) {
        $loaded = @(Get-VMDvdDrive -VM $vm | Where-Object { [string]$_.Path -eq $IsoPath })
        if ($loaded.Count -eq 0) { Add-VMDvdDrive -VM $vm -Path $IsoPath }
        # Else the firmware tries the empty disk and the network before the image.
        $loaded = @(Get-VMDvdDrive -VM $vm | Where-Object { [string]$_.Path -eq $IsoPath })
        Set-VMFirmware -VM $vm -FirstBootDevice $loaded[0]
    }
    # The mark is the last thing set: a machine that has it is as it was asked for.
    Set-VM -VM $vm -AutomaticCheckpointsEnabled $false -Notes $mark
}
$drive = @(Get-VMHardDiskDrive -VM $vm)[0]
ConvertTo-Json -Compress -Depth 8 -InputObject ([ordered]@{
        vm_id = ([string]$vm.Id).ToLowerInvariant()
        disk_path = [string]$drive.Path
    })
