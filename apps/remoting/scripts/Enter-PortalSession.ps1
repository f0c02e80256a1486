# What powershell.exe is started with: the first line of standard input is the text of
# Invoke-PortalSession.ps1 in base64, and that takes the rest. powershell.exe reads standard input
# itself and hands it over line by line as $input; [Console]::In would compete with it.
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$null = $input.MoveNext()
$line = ([string]$input.Current).Trim([char]0xFEFF, [char]32)
$text = [System.Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($line))
& ([scriptblock]::Create($text)) -Lines $input
