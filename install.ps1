# Installs Ollama on Windows: irm <address>/install.ps1 | iex
#
# Ollama runs in WSL 2 (a Linux that Windows brings along), where install.sh puts it; `ollama` in PowerShell reaches it
# through a small command file, and programs reach http://localhost:11434 through WSL's own forwarding.
#
#   $env:OLLAMA_NATIVE = "1"     install the native Windows program instead, without WSL
#   $env:OLLAMA_DOWNLOAD_URL     where releases are: http or https (native also: a directory)
#   $env:OLLAMA_VERSION          install this release instead of the newest
#   $env:OLLAMA_INSTALL_DIR      where the command goes (default %LOCALAPPDATA%\Programs\Ollama)
#   $env:OLLAMA_DISTRO           the WSL distribution to install into (default: WSL's own default)
#   $env:OLLAMA_UNINSTALL = "1"  removes what this script installed; models stay
#
# What is to be done is decided by functions that only look at what they are given (Select-*); the others do it.

$ErrorActionPreference = 'Stop'
$DefaultUrl = '@DOWNLOAD_URL@'
# The first Windows with `wsl --install`.
$MinimumBuild = 19041

function Write-Status([string] $Text) { Write-Host ">>> $Text" }

# --- Decisions ----------------------------------------------------------------------------------------------------

# What has to happen before install.sh can run: an action, and what to tell the person.
function Select-WslStep([int] $Build, [bool] $Virtualised, [bool] $HasWsl, [bool] $RebootPending, [bool] $IsAdmin, [int] $DistroCount, [int] $DistroVersion) {
    if ($Build -lt $MinimumBuild) {
        return @{ Action = 'stop'; Text = "Windows build $MinimumBuild (version 2004) or newer is needed for WSL 2; this is build $Build. Update Windows, or set `$env:OLLAMA_NATIVE = '1'." }
    }
    if (-not $Virtualised) {
        return @{ Action = 'stop'; Text = "Virtualisation is switched off. Switch it on in the computer's firmware (Intel VT-x, AMD SVM), or set `$env:OLLAMA_NATIVE = '1'." }
    }
    if ($RebootPending) {
        return @{ Action = 'stop'; Text = 'Windows has to be restarted before WSL can be used. Restart it and run this again.' }
    }
    if (-not $HasWsl) {
        if (-not $IsAdmin) {
            return @{ Action = 'stop'; Text = 'WSL is not installed, and installing it needs an administrator: open PowerShell with "Run as administrator" and run this again.' }
        }
        return @{ Action = 'install-wsl'; Text = 'installing WSL' }
    }
    if ($DistroCount -eq 0) {
        return @{ Action = 'install-distro'; Text = 'installing Ubuntu into WSL' }
    }
    if ($DistroVersion -eq 1) {
        return @{ Action = 'convert-distro'; Text = 'the distribution uses WSL 1; converting it to WSL 2 (this can take minutes)' }
    }
    return @{ Action = 'ready'; Text = 'WSL 2 is ready' }
}

# The name of the native program's target.
function Select-Target([string] $Processor, [string] $Variant) {
    $arch = @{ AMD64 = 'x64'; ARM64 = 'arm64' }[$Processor]
    if (-not $arch) { throw "there is no build for $Processor processors" }
    if ($Variant -eq '' -or $Variant -eq 'cpu') { return "windows-$arch" }
    if ($arch -ne 'x64' -or ($Variant -ne 'cuda' -and $Variant -ne 'vulkan')) { throw "there is no $Variant build for $arch" }
    return "windows-$arch-$Variant"
}

# The release's address from what is set; '' when nothing is.
function Select-Source([string] $Given, [string] $Default, [string] $Version) {
    $base = $Given
    if ($base -eq '' -and $Default.StartsWith('http')) { $base = $Default }
    if ($base -eq '') { return '' }
    $base = $base.TrimEnd('/', '\')
    if ($Version -ne '') { return "$base/v$($Version.TrimStart('v'))" }
    return $base
}

# One row of `wsl --list --verbose`: the default distribution's, or the named one's. wsl.exe writes UTF-16, which arrives
# with NUL characters between the others.
function Select-Distro([string[]] $Lines, [string] $Name) {
    foreach ($line in $Lines) {
        $clean = $line -replace "`0", ''
        if ($clean -match '^(\*?)\s*(\S.*?)\s{2,}\S+\s+([12])\s*$') {
            $isDefault = $Matches[1] -eq '*'
            if (($Name -eq '' -and $isDefault) -or ($Name -ne '' -and $Matches[2] -eq $Name)) {
                return @{ Name = $Matches[2]; Version = [int] $Matches[3] }
            }
        }
    }
    return $null
}

# PATH with the directory in it, once.
function Add-ToPath([string] $Path, [string] $Directory) {
    $parts = @($Path -split ';' | Where-Object { $_ -ne '' })
    if ($parts -contains $Directory) { return $Path }
    return ($parts + $Directory) -join ';'
}

function Remove-FromPath([string] $Path, [string] $Directory) {
    return (@($Path -split ';' | Where-Object { $_ -ne '' -and $_ -ne $Directory })) -join ';'
}

# --- What this machine is -----------------------------------------------------------------------------------------

function Test-Admin {
    $identity = [Security.Principal.WindowsIdentity]::GetCurrent()
    return ([Security.Principal.WindowsPrincipal] $identity).IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)
}

function Test-Virtualised {
    # Inside a running hypervisor the firmware's switch reads as off, though WSL works.
    if ((Get-CimInstance Win32_ComputerSystem).HypervisorPresent) { return $true }
    $processor = Get-CimInstance Win32_Processor | Select-Object -First 1
    return [bool] $processor.VirtualizationFirmwareEnabled
}

function Test-Wsl {
    if (-not (Get-Command wsl.exe -ErrorAction SilentlyContinue)) { return $false }
    & wsl.exe --status *> $null
    return $LASTEXITCODE -eq 0
}

function Test-RebootPending {
    return Test-Path 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending'
}

function Get-Distros {
    return @(& wsl.exe --list --verbose 2> $null)
}

# --- WSL ----------------------------------------------------------------------------------------------------------

function Invoke-Wsl([string[]] $Arguments, [string] $Problem) {
    & wsl.exe @Arguments
    if ($LASTEXITCODE -ne 0) { throw "$Problem (wsl.exe $($Arguments -join ' ') ended with $LASTEXITCODE)" }
}

function Install-IntoWsl([string] $Source, [string] $Directory, [string] $WantedDistro) {
    for ($round = 0; $round -lt 4; $round++) {
        $hasWsl = Test-Wsl
        $lines = if ($hasWsl) { Get-Distros } else { @() }
        $distro = Select-Distro $lines $WantedDistro
        $count = if ($distro) { 1 } else { 0 }
        $distroVersion = if ($distro) { $distro.Version } else { 0 }
        $build = [Environment]::OSVersion.Version.Build
        $step = Select-WslStep $build (Test-Virtualised) $hasWsl (Test-RebootPending) (Test-Admin) $count $distroVersion
        switch ($step.Action) {
            'stop' { throw $step.Text }
            'install-wsl' {
                Write-Status $step.Text
                Invoke-Wsl @('--install', '--no-distribution') 'WSL could not be installed'
                throw 'WSL is installed. Restart Windows, then run this again.'
            }
            'install-distro' {
                Write-Status $step.Text
                Invoke-Wsl @('--update') 'WSL could not be updated'
                Invoke-Wsl @('--set-default-version', '2') 'WSL 2 could not be made the default'
                $name = if ($WantedDistro -ne '') { $WantedDistro } else { 'Ubuntu' }
                Invoke-Wsl @('--install', '-d', $name, '--no-launch') "$name could not be installed"
            }
            'convert-distro' {
                Write-Status $step.Text
                Invoke-Wsl @('--set-version', $distro.Name, '2') 'the distribution could not be converted'
            }
            'ready' {
                Write-Status $step.Text
                Install-Inside $Source $distro.Name
                Write-Shim $Directory $distro.Name
                return
            }
        }
    }
    throw 'WSL did not become ready; see: wsl --status'
}

# install.sh runs as root in there: a system service, where the distribution has systemd.
function Install-Inside([string] $Source, [string] $Distro) {
    if (-not $Source.StartsWith('http')) { throw 'into WSL it can only be installed from an http or https address; for the native program set $env:OLLAMA_NATIVE = "1"' }
    $script = 'set -e; url=$1; if command -v curl >/dev/null; then curl -fsSL "$url/install.sh"; else wget -qO- "$url/install.sh"; fi > /tmp/ollama-install.sh; OLLAMA_DOWNLOAD_URL=$url sh /tmp/ollama-install.sh'
    Invoke-Wsl @('-d', $Distro, '-u', 'root', '--', 'sh', '-c', $script, 'install', $Source) "install.sh inside $Distro failed; what it said stands above"
}

# A command file that hands everything to the program inside; %* keeps arguments as they were quoted.
function Write-Shim([string] $Directory, [string] $Distro) {
    New-Item -ItemType Directory -Force $Directory | Out-Null
    $shim = "@echo off`r`nwsl.exe -d `"$Distro`" -- /usr/local/bin/ollama %*`r`n"
    [IO.File]::WriteAllText((Join-Path $Directory 'ollama.cmd'), $shim)
    Set-UserPath (Add-ToPath (Get-UserPath) $Directory)
    Write-Status "ready: ollama run <model> (in a new window); programs use http://localhost:11434"
}

function Get-UserPath { return [string] [Environment]::GetEnvironmentVariable('Path', 'User') }

function Set-UserPath([string] $Path) { [Environment]::SetEnvironmentVariable('Path', $Path, 'User') }

# --- The native program -------------------------------------------------------------------------------------------

function Get-ReleaseFile([string] $Source, [string] $Name, [string] $Destination) {
    if ($Source.StartsWith('http')) {
        $ProgressPreference = 'SilentlyContinue'
        Invoke-WebRequest -UseBasicParsing -Uri "$Source/$Name" -OutFile $Destination
    } else {
        Copy-Item (Join-Path $Source $Name) $Destination
    }
}

function Assert-Hash([string] $File, [string] $Wanted) {
    $found = (Get-FileHash -Algorithm SHA256 $File).Hash
    if ($found -ne $Wanted) { throw 'the download is damaged: its checksum is not the release''s; nothing was changed' }
}

function Expand-Packed([string] $File, [string] $Destination) {
    $from = [IO.File]::OpenRead($File)
    try {
        $packed = New-Object IO.Compression.GZipStream($from, [IO.Compression.CompressionMode]::Decompress)
        $to = [IO.File]::Create($Destination)
        try { $packed.CopyTo($to) } finally { $to.Dispose() }
    } finally { $from.Dispose() }
}

function Install-Native([string] $Source, [string] $Directory, [string] $Variant) {
    $target = Select-Target $env:PROCESSOR_ARCHITECTURE $Variant
    New-Item -ItemType Directory -Force $Directory | Out-Null
    $staging = Join-Path $Directory ('.install-' + [Guid]::NewGuid().ToString('N'))
    New-Item -ItemType Directory $staging | Out-Null
    try {
        $manifestFile = Join-Path $staging 'manifest.json'
        Get-ReleaseFile $Source 'manifest.json' $manifestFile
        $manifest = Get-Content -Raw $manifestFile | ConvertFrom-Json
        if ($manifest.format -ne 1) { throw "the release at $Source is not one that this script knows" }
        $artefact = $manifest.artefacts | Where-Object { $_.target -eq $target }
        if (-not $artefact) { throw "release $($manifest.version) has no build for $target" }
        Write-Status "getting Ollama $($manifest.version) for $target ($([int] ($artefact.sizeBytes / 1000000)) MB)"
        $packed = Join-Path $staging 'packed'
        Get-ReleaseFile $Source $artefact.file $packed
        Assert-Hash $packed $artefact.sha256
        $program = Join-Path $staging 'ollama.exe'
        Expand-Packed $packed $program
        Assert-Hash $program $artefact.unpacked.sha256
        & $program --version *> $null
        if ($LASTEXITCODE -ne 0) { throw 'the program does not start here; nothing was changed' }
        $runtime = $manifest.cudaRuntimes | Where-Object { $_.target -eq $target }
        if ($runtime) { Install-CudaRuntime $Source $runtime $staging $Directory }
        $place = Join-Path $Directory 'ollama.exe'
        # A running program cannot be overwritten, but moved.
        if (Test-Path $place) { Move-Item -Force $place "$place.old" }
        Move-Item $program $place
        Set-UserPath (Add-ToPath (Get-UserPath) $Directory)
        Write-Status "ready: start the server with `"ollama serve`", then ollama run <model> (in a new window)"
    } finally {
        Remove-Item -Recurse -Force $staging
    }
}

function Install-CudaRuntime([string] $Source, $Runtime, [string] $Staging, [string] $Directory) {
    Write-Status "getting NVIDIA's CUDA runtime ($([int] ($Runtime.sizeBytes / 1000000)) MB, under NVIDIA's licence)"
    $packed = Join-Path $Staging 'runtime.tar.gz'
    Get-ReleaseFile $Source $Runtime.file $packed
    Assert-Hash $packed $Runtime.sha256
    $place = Join-Path $Directory 'lib\ollama'
    New-Item -ItemType Directory -Force $place | Out-Null
    & tar.exe -xzf $packed -C $place
    if ($LASTEXITCODE -ne 0) { throw 'the CUDA runtime could not be unpacked' }
}

# --- Removing -----------------------------------------------------------------------------------------------------

function Uninstall-Ollama([string] $Directory, [string] $WantedDistro) {
    $shim = Join-Path $Directory 'ollama.cmd'
    if (Test-Path $shim) {
        $distro = Select-Distro (Get-Distros) $WantedDistro
        if ($distro) {
            $remove = @('-d', $distro.Name, '-u', 'root', '--', '/usr/local/bin/ollama', 'uninstall', '--yes')
            Invoke-Wsl $remove 'Ollama inside WSL could not be removed'
        }
        Remove-Item -Force $shim
    }
    foreach ($name in 'ollama.exe', 'ollama.exe.old', 'lib') {
        $path = Join-Path $Directory $name
        if (Test-Path $path) { Remove-Item -Recurse -Force $path }
    }
    if ((Test-Path $Directory) -and -not (Get-ChildItem $Directory)) { Remove-Item $Directory }
    Set-UserPath (Remove-FromPath (Get-UserPath) $Directory)
    Write-Status 'removed; models are still in %USERPROFILE%\.ollama or inside WSL'
}

function Install-Ollama {
    $directory = if ($env:OLLAMA_INSTALL_DIR) { $env:OLLAMA_INSTALL_DIR } else { Join-Path $env:LOCALAPPDATA 'Programs\Ollama' }
    if ($env:OLLAMA_UNINSTALL) { return Uninstall-Ollama $directory "$env:OLLAMA_DISTRO" }
    $source = Select-Source "$env:OLLAMA_DOWNLOAD_URL" $DefaultUrl "$env:OLLAMA_VERSION"
    if ($source -eq '') { throw 'set $env:OLLAMA_DOWNLOAD_URL to where releases are' }
    if ($env:OLLAMA_NATIVE) { Install-Native $source $directory "$env:OLLAMA_VARIANT" }
    else { Install-IntoWsl $source $directory "$env:OLLAMA_DISTRO" }
}

# Tests load the functions alone.
if (-not $env:OLLAMA_INSTALL_FUNCTIONS_ONLY) { Install-Ollama }
