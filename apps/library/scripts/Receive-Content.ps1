# Fetches a file from the portal by HTTP into Destination. What came before a cut is kept as Destination.part and gone on
# with; the file takes its name only when its SHA-256 is right. The address is a secret: no message holds it. CaCertificate
# (PEM) names the one authority that may have signed the portal's certificate; without it the host's own trusted roots
# decide. A portal that sends nothing is tried five times, and until PatienceSeconds have passed since it sent something.
[CmdletBinding()]
param(
    [Parameter(Mandatory)][ValidatePattern('^https?://')][string]$Url,
    [Parameter(Mandatory)][ValidatePattern('^[0-9a-fA-F]{64}$')][string]$Sha256,
    [Parameter(Mandatory)][ValidateRange(1, [long]::MaxValue)][long]$SizeBytes,
    [Parameter(Mandatory)][ValidateNotNullOrEmpty()][string]$Destination,
    [string]$CaCertificate = '',
    [ValidateRange(0, 86400)][int]$PatienceSeconds = 0
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$part = "$Destination.part"
function Write-Progression([long]$Done, [string]$Message) {
    ConvertTo-Json -Compress -InputObject ([ordered]@{ progress = [Math]::Min(99, [int][Math]::Floor(100 * $Done / $SizeBytes)); message = $Message })
}
function Get-Length([string]$Path) {
    if ([IO.File]::Exists($Path)) { (New-Object -TypeName IO.FileInfo -ArgumentList $Path).Length } else { [long]0 }
}
function Test-Content([string]$Path) {
    (Get-Length $Path) -eq $SizeBytes -and (Get-FileHash -LiteralPath $Path -Algorithm SHA256).Hash -eq $Sha256
}
function Assert-Space([long]$Needed) {
    $free = @(Get-ClusterSharedVolume | ForEach-Object { $_.SharedVolumeInfo } |
            Where-Object { $Destination.StartsWith("$($_.FriendlyVolumeName)\", [StringComparison]::OrdinalIgnoreCase) } |
            ForEach-Object { [long]$_.Partition.FreeSpace })
    if ($free.Count -gt 0 -and $free[0] -lt $Needed) { throw "There is not enough space on the volume: $Needed bytes are needed, $($free[0]) are free." }
}
# Compiled, as .NET asks on threads that have no PowerShell.
function Set-Trust($Request) {
    Add-Type -TypeDefinition 'using System.Net.Security; using System.Security.Cryptography.X509Certificates;
public class FabricPortalTrust { X509Certificate2 root; public FabricPortalTrust(byte[] raw) { root = new X509Certificate2(raw); }
public bool Check(object sender, X509Certificate shown, X509Chain given, SslPolicyErrors errors) { using (var chain = new X509Chain()) {
chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck; chain.ChainPolicy.ExtraStore.Add(root);
chain.ChainPolicy.VerificationFlags = X509VerificationFlags.AllowUnknownCertificateAuthority;
return (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) == 0 && chain.Build(new X509Certificate2(shown))
&& chain.ChainElements[chain.ChainElements.Count - 1].Certificate.Thumbprint == root.Thumbprint; } } }'
    $raw = [Convert]::FromBase64String(($CaCertificate -replace '-----[^-]+-----|\s', ''))
    $trust = New-Object -TypeName FabricPortalTrust -ArgumentList (, $raw)
    $Request.ServerCertificateValidationCallback = [Delegate]::CreateDelegate([Net.Security.RemoteCertificateValidationCallback], $trust, 'Check')
}
function Receive-Rest([long]$Done) {
    $request = [Net.HttpWebRequest][Net.WebRequest]::Create($Url)
    $request.Proxy, $request.AllowAutoRedirect, $request.Timeout, $request.ReadWriteTimeout = $null, $false, 30000, 60000
    if ($CaCertificate -and $Url -like 'https:*') { Set-Trust $request }
    if ($Done -gt 0) { $request.AddRange($Done) }
    $answer = $request.GetResponse()
    if ([int]$answer.StatusCode -ne 206) { $Done = [long]0 }
    $file = [IO.File]::Open($part, $(if ($Done -gt 0) { 'Append' } else { 'Create' }), 'Write', 'Read')
    try {
        $stream, $clock, $buffer = $answer.GetResponseStream(), [Diagnostics.Stopwatch]::StartNew(), (New-Object -TypeName 'byte[]' -ArgumentList 1048576)
        while ($Done -lt $SizeBytes -and ($count = $stream.Read($buffer, 0, [Math]::Min($buffer.Length, $SizeBytes - $Done))) -gt 0) {
            $file.Write($buffer, 0, $count)
            $Done += $count
            if ($clock.ElapsedMilliseconds -gt 1000) { Write-Progression $Done "Received $Done of $SizeBytes bytes"; $clock.Restart() }
        }
    } finally { $file.Dispose(); $answer.Close() }
}
$reused, $cuts, $wrong, $silent = (Test-Content $Destination), 0, 0, [Diagnostics.Stopwatch]::StartNew()
while (-not $reused -and -not (Test-Content $part)) {
    if ((Get-Length $part) -ge $SizeBytes) { [IO.File]::Delete($part) }
    if ($wrong -ge 5) { throw 'What came from the portal is not the file that was announced, five times: its size or SHA-256 differs.' }
    Assert-Space ($SizeBytes - ($before = Get-Length $part))
    $null = [IO.Directory]::CreateDirectory([IO.Path]::GetDirectoryName($Destination))
    try { Receive-Rest $before; $wrong++ } catch {
        $problem = $_.Exception.GetBaseException()
        $status = if ($problem -is [Net.WebException] -and $problem.Response) { [int]$problem.Response.StatusCode } else { 0 }
        if ($status -ge 400 -and $status -lt 500) { throw "The portal does not give the file any more (HTTP $status). It has to be asked for again." }
        if ((Get-Length $part) -gt $before) { $cuts = 1; $silent.Restart() } else { $cuts++ }
        if ($cuts -ge 5 -and $silent.Elapsed.TotalSeconds -ge $PatienceSeconds) { throw "The file could not be fetched from the portal: $($problem.Message)" }
        Write-Progression (Get-Length $part) "The connection to the portal was cut; trying again: $($problem.Message)"
        Start-Sleep -Milliseconds ([Math]::Min(30000, 300 * $cuts))
    }
}
if (-not $reused) { Move-Item -LiteralPath $part -Destination $Destination -Force }
ConvertTo-Json -Compress -InputObject ([ordered]@{ path = $Destination; sha256 = $Sha256.ToLowerInvariant(); size_bytes = $SizeBytes; reused = $reused })
