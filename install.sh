#!/bin/sh
# Installs Ollama on Linux and macOS: curl -fsSL <address>/install.sh | sh
#
# As root into /usr/local with a system service, otherwise into ~/.local with a service of your own. Asks for no password
# and changes nothing before the download has been checked. Needs curl or wget; nothing at all beside a local release.
#
#   OLLAMA_VERSION       install this release instead of the newest
#   OLLAMA_INSTALL_DIR   where bin/ollama goes (default /usr/local or ~/.local)
#   OLLAMA_DOWNLOAD_URL  where releases are: http, https, file:// or a directory
#   OLLAMA_VARIANT       cpu, cuda or vulkan instead of what is detected
#   OLLAMA_NO_START      set: do not start the service
#   --uninstall          removes it; models stay unless --purge is said too
#   --rollback           puts back what the last installation replaced
#
# Everything is in functions and the last line starts it: a script that was cut off does nothing.

DEFAULT_URL="@DOWNLOAD_URL@"
GLIBC_MINOR=34
CUDA_DRIVER=580
MACOS_MAJOR=13
UNIT=/etc/systemd/system/ollama.service

say() { printf '>>> %s\n' "$*" >&2; }
warn() { printf 'WARNING: %s\n' "$*" >&2; }
fail() {
  printf 'ERROR: %s\n' "$*" >&2
  exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }

main() {
  set -eu
  umask 022
  action=install
  purge=
  for argument in "$@"; do
    case $argument in
    --uninstall) action=uninstall ;;
    --purge) purge=--purge ;;
    --rollback) action=rollback ;;
    -h | --help) action=help ;;
    *) fail "unknown option $argument; known are --uninstall, --purge, --rollback and --help" ;;
    esac
  done
  is_root=
  [ "$(id -u)" -ne 0 ] || is_root=yes
  if [ -n "${OLLAMA_INSTALL_DIR:-}" ]; then prefix=$OLLAMA_INSTALL_DIR
  elif [ -n "$is_root" ]; then prefix=/usr/local
  elif [ -n "${HOME:-}" ]; then prefix=$HOME/.local
  else fail "HOME is not set; say where to install with OLLAMA_INSTALL_DIR"; fi
  case $prefix in /*) ;; *) prefix=$(pwd)/$prefix ;; esac
  binary=$prefix/bin/ollama
  previous=$prefix/lib/ollama-previous
  staging=
  replacing=
  case $action in
  help) show_help ;;
  uninstall) uninstall ;;
  rollback) roll_back ;;
  install) install_ollama ;;
  esac
}

show_help() {
  cat <<'HELP'
Usage: install.sh [--uninstall [--purge] | --rollback]

Without an option: installs Ollama, or brings an installed one up to date.
  --uninstall  removes it; models stay unless --purge is said too
  --rollback   puts back what the last installation replaced

Environment: OLLAMA_VERSION, OLLAMA_INSTALL_DIR, OLLAMA_DOWNLOAD_URL (http, https, file:// or a directory),
OLLAMA_VARIANT (cpu, cuda, vulkan), OLLAMA_NO_START
HELP
}

install_ollama() {
  detect_system
  detect_variant
  find_source
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  stage_directory
  read_manifest
  if [ -x "$binary" ] && [ "$(hash_of "$binary")" = "$executable_sha256" ]; then
    say "$version is installed already"
  else
    stage_executable
    stage_cuda_runtime
    replace
  fi
  set_up_service
  replacing=
  finish
}

# --- What this machine is -----------------------------------------------------------------------------------------

detect_system() {
  is_wsl2=
  case $(uname -s) in
  Linux) os=linux ;;
  Darwin) os=darwin ;;
  *) fail "$(uname -s) is not supported by this script; on Windows use install.ps1" ;;
  esac
  case $(uname -m) in
  x86_64 | amd64) arch=x64 ;;
  aarch64 | arm64) arch=arm64 ;;
  *) fail "there is no build for $(uname -m) processors" ;;
  esac
  if [ "$os" = darwin ]; then check_macos; else
    check_wsl
    check_libc
    check_cpu
  fi
}

check_macos() {
  # A shell under Rosetta calls an Apple processor x86_64.
  if [ "$arch" = x64 ] && [ "$(sysctl -n hw.optional.arm64 2>/dev/null || echo 0)" = 1 ]; then arch=arm64; fi
  macos=$(sw_vers -productVersion 2>/dev/null || echo "$MACOS_MAJOR")
  [ "${macos%%.*}" -ge "$MACOS_MAJOR" ] || fail "macOS $MACOS_MAJOR or newer is needed; this is $macos"
}

# WSL1 kernels are called 4.4.0-19041-Microsoft, WSL2's 5.15.90.1-microsoft-standard-WSL2; one that somebody built
# may be called anything, but registers Windows programs.
check_wsl() {
  kernel=$(uname -r)
  case $kernel in
  *[Mm]icrosoft*WSL2* | *WSL2*) is_wsl2=yes ;;
  *[Mm]icrosoft*)
    case $kernel in
    [1-4].*) fail "this is WSL 1, which cannot run Ollama; in PowerShell: wsl --set-version ${WSL_DISTRO_NAME:-<distribution>} 2" ;;
    *) is_wsl2=yes ;;
    esac
    ;;
  *) [ ! -e /proc/sys/fs/binfmt_misc/WSLInterop ] || is_wsl2=yes ;;
  esac
  if [ -n "$is_wsl2" ]; then say "this is WSL 2"; fi
}

check_libc() {
  libc=$(getconf GNU_LIBC_VERSION 2>/dev/null || true)
  if [ -z "$libc" ]; then libc=$(ldd --version 2>&1 | head -n 1 || true); fi
  case $libc in
  *musl*) fail "this system uses musl; the inference libraries need glibc 2.$GLIBC_MINOR or newer (on Alpine use the container image)" ;;
  esac
  number=$(printf '%s\n' "$libc" | sed -n 's/.*[^0-9.]\(2\.[0-9][0-9]*\).*/\1/p')
  if [ -z "$number" ]; then
    for loader in /lib/ld-musl-*; do
      [ ! -e "$loader" ] || fail "this system uses musl; the inference libraries need glibc 2.$GLIBC_MINOR or newer (on Alpine use the container image)"
    done
    warn "cannot tell the version of this system's C library; going on"
    return
  fi
  [ "${number#2.}" -ge "$GLIBC_MINOR" ] ||
    fail "this system's glibc is $number, and 2.$GLIBC_MINOR or newer is needed (Debian 12, Ubuntu 22.04, RHEL 9 or newer, or the container image)"
  cxx=$(find_libstdcxx)
  [ -n "$cxx" ] || fail "libstdc++.so.6 is missing; install it first (Debian and Ubuntu: libstdc++6; Fedora and RHEL: libstdc++)"
}

find_libstdcxx() {
  for folder in "/usr/lib/$(uname -m)-linux-gnu" /usr/lib64 /usr/lib "/lib/$(uname -m)-linux-gnu" /lib64; do
    if [ -e "$folder/libstdc++.so.6" ]; then
      echo "$folder/libstdc++.so.6"
      return
    fi
  done
  has ldconfig || return 0
  listed=$(ldconfig -p 2>/dev/null | sed -n 's/.*libstdc++\.so\.6 .*=> //p' | head -n 1)
  [ ! -e "$listed" ] || echo "$listed"
}

check_cpu() {
  [ "$arch" = x64 ] && [ -r /proc/cpuinfo ] && grep -q '^flags' /proc/cpuinfo || return 0
  grep -q '^flags.* sse4_2' /proc/cpuinfo || fail "this processor has no SSE4.2, which the program needs"
}

detect_variant() {
  variant=cpu
  case ${OLLAMA_VARIANT:-} in
  cpu | cuda | vulkan) variant=$OLLAMA_VARIANT && return ;;
  '') ;;
  *) fail "OLLAMA_VARIANT is $OLLAMA_VARIANT; it can be cpu, cuda or vulkan" ;;
  esac
  [ "$os-$arch" = linux-x64 ] || return 0
  PATH=$PATH:/usr/lib/wsl/lib
  driver=
  if has nvidia-smi; then driver=$(nvidia-smi --query-gpu=driver_version --format=csv,noheader 2>/dev/null | sed -n '1s/^\([0-9][0-9]*\)\..*/\1/p' || true); fi
  if [ -n "$driver" ]; then
    if [ "$driver" -ge "$CUDA_DRIVER" ]; then
      variant=cuda
      say "NVIDIA driver $driver found"
    else
      warn "the NVIDIA driver is $driver; CUDA needs $CUDA_DRIVER or newer"
      use_vulkan_if_there
    fi
  elif has_gpu; then use_vulkan_if_there
  else say "no GPU found; the processor computes"; fi
  [ "$variant" = cpu ] || check_gpu_libstdcxx
}

# PCI vendors of display adapters: AMD, NVIDIA (without its driver), Intel.
has_gpu() {
  for vendor in /sys/class/drm/card*/device/vendor; do
    if [ -r "$vendor" ] && grep -q -i -e 0x1002 -e 0x10de -e 0x8086 "$vendor"; then return 0; fi
  done
  return 1
}

use_vulkan_if_there() {
  for folder in "/usr/lib/$(uname -m)-linux-gnu" /usr/lib64 /usr/lib; do
    if [ -e "$folder/libvulkan.so.1" ]; then
      variant=vulkan
      say "a GPU and Vulkan found"
      return
    fi
  done
  warn "a GPU is there, but Vulkan is not, so the processor computes; install it and run this again (Debian and Ubuntu: libvulkan1 mesa-vulkan-drivers)"
}

check_gpu_libstdcxx() {
  if ! grep -q GLIBCXX_3.4.30 "$cxx"; then
    warn "the GPU build needs a newer libstdc++ (GCC 12); the processor computes"
    variant=cpu
  fi
}

# --- Where the release is -----------------------------------------------------------------------------------------

find_source() {
  source=${OLLAMA_DOWNLOAD_URL:-}
  if [ -z "$source" ]; then
    # Run from a downloaded release: that is the one meant.
    here=$(dirname "$0")
    if [ -f "$here/manifest.json" ] && [ "$(basename "$0")" = install.sh ]; then source=$(cd "$here" && pwd)
    else
      case $DEFAULT_URL in
      http*) source=$DEFAULT_URL ;;
      *) fail "set OLLAMA_DOWNLOAD_URL to where releases are (http, https, file:// or a directory)" ;;
      esac
    fi
  fi
  source=${source%/}
  case $source in file://*) source=${source#file://} ;; esac
  if [ -n "${OLLAMA_VERSION:-}" ]; then source=$source/v${OLLAMA_VERSION#v}; fi
  case $source in
  http://* | https://*) has curl || has wget || fail "curl or wget is needed; install one of them" ;;
  /* | ./* | ../*) [ -f "$source/manifest.json" ] || fail "there is no release in $source (no manifest.json)" ;;
  *) fail "OLLAMA_DOWNLOAD_URL ${OLLAMA_DOWNLOAD_URL:-$DEFAULT_URL} is no http, https or file:// address and no directory" ;;
  esac
}

# get NAME FILE [show]: a file of the release.
get() {
  case $source in
  /* | ./* | ../*) cp "$source/$1" "$2" && return ;;
  *)
    if has curl; then
      if [ -n "${3:-}" ] && [ -t 2 ]; then how=--progress-bar; else how=--silent; fi
      curl --fail --location --show-error --retry 3 --connect-timeout 20 "$how" --output "$2" "$source/$1" && return
    else
      if [ -n "${3:-}" ] && [ -t 2 ]; then how=--show-progress; else how=--no-verbose; fi
      wget --quiet --tries=3 --timeout=60 "$how" --output-document="$2" "$source/$1" && return
    fi
    ;;
  esac
  fail "could not get $1 from $source; nothing was changed"
}

hash_of() {
  if has sha256sum; then sha256sum "$1" | cut -d ' ' -f 1
  elif has shasum; then shasum -a 256 "$1" | cut -d ' ' -f 1
  elif has openssl; then openssl dgst -sha256 "$1" | sed 's/.*= *//'
  else fail "sha256sum, shasum or openssl is needed to check the download"; fi
}

# field NAME: of the manifest's line in $row.
field() { printf '%s\n' "$row" | sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"; }

read_manifest() {
  get manifest.json "$staging/manifest.json"
  grep -q '^  "format": 1,$' "$staging/manifest.json" || fail "the release at $source is not one that this script knows; nothing was changed"
  version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' "$staging/manifest.json")
  target=$os-$arch
  [ "$variant" = cpu ] || target=$target-$variant
  row=$(grep "\"target\":\"$target\".*\"unpacked\":" "$staging/manifest.json" || true)
  if [ -z "$row" ] && [ "$variant" != cpu ]; then
    warn "release $version has no $target; taking the one for the processor"
    variant=cpu
    target=$os-$arch
    row=$(grep "\"target\":\"$target\".*\"unpacked\":" "$staging/manifest.json" || true)
  fi
  [ -n "$row" ] || fail "release $version has no build for $target"
  file=$(field file)
  executable_sha256=$(field sha256)
  executable_bytes=$(field sizeBytes)
  row=${row%%\"unpacked\"*}
  packed_sha256=$(field sha256)
  packed_bytes=$(field sizeBytes)
  runtime_row=$(grep "\"target\":\"$target\".*\"unpackedBytes\":" "$staging/manifest.json" || true)
}

# --- Getting it ready, without touching what is there -------------------------------------------------------------

# Beside its place, so that the last step is a rename. Directories made here go again if it comes to nothing.
stage_directory() {
  made=
  folder=$prefix/bin
  while [ ! -d "$folder" ]; do
    made="$made$folder
"
    folder=$(dirname "$folder")
  done
  [ -w "$folder" ] || fail "$folder is not writable; run this as root, or choose another place with OLLAMA_INSTALL_DIR"
  mkdir -p "$prefix/bin"
  staging=$(mktemp -d "$prefix/bin/.ollama-install.XXXXXX")
}

need_space() {
  free=$(df -Pk "$prefix/bin" | sed -n '$p' | tr -s ' ' | cut -d ' ' -f 4)
  [ "$free" -gt $(($1 / 1024)) ] || fail "$(($1 / 1000000)) MB are needed in $prefix, and $((free / 1000)) MB are free"
}

check_hash() {
  [ "$(hash_of "$1")" = "$2" ] || fail "$3 is damaged: its checksum is not the release's; nothing was changed"
}

stage_executable() {
  need_space $((packed_bytes + executable_bytes))
  say "getting Ollama $version for $target ($((packed_bytes / 1000000)) MB)"
  get "$file" "$staging/packed" show
  check_hash "$staging/packed" "$packed_sha256" "$file"
  gzip -dc <"$staging/packed" >"$staging/ollama"
  check_hash "$staging/ollama" "$executable_sha256" "$file"
  rm "$staging/packed"
  chmod 755 "$staging/ollama"
  "$staging/ollama" --version >"$staging/said" 2>&1 || fail "the program does not start here: $(tail -n 1 "$staging/said")"
}

stage_cuda_runtime() {
  [ -n "$runtime_row" ] || return 0
  row=$runtime_row
  runtime_file=$(field file)
  runtime_bytes=$(field sizeBytes)
  need_space $((runtime_bytes + $(field unpackedBytes)))
  say "getting NVIDIA's CUDA runtime ($((runtime_bytes / 1000000)) MB, under NVIDIA's licence)"
  get "$runtime_file" "$staging/runtime" show
  check_hash "$staging/runtime" "$(field sha256)" "$runtime_file"
  mkdir "$staging/lib"
  gzip -dc <"$staging/runtime" | tar -xf - -C "$staging/lib"
  rm "$staging/runtime"
}

# --- Replacing, and going back ------------------------------------------------------------------------------------

replace() {
  rm -rf "$previous.new"
  if [ -e "$binary" ] || [ -e "$prefix/lib/ollama" ]; then
    mkdir -p "$previous.new"
    [ ! -e "$binary" ] || cp -p "$binary" "$previous.new/ollama"
    if [ -n "$is_root" ] && [ -f "$UNIT" ]; then cp -p "$UNIT" "$previous.new/ollama.service"; fi
    rm -rf "$previous"
    mv "$previous.new" "$previous"
    replacing=older
    # Ollama's own libraries and an older CUDA runtime.
    [ ! -e "$prefix/lib/ollama" ] || mv "$prefix/lib/ollama" "$previous/lib-ollama"
  else
    replacing=nothing
  fi
  if [ -d "$staging/lib" ]; then
    mkdir -p "$prefix/lib"
    mv "$staging/lib" "$prefix/lib/ollama"
  fi
  mv -f "$staging/ollama" "$binary"
  say "installed $binary"
}

# What was there before stands there again.
restore() {
  if [ "$replacing" = nothing ]; then
    rm -rf "$binary" "$prefix/lib/ollama"
    return
  fi
  [ ! -e "$previous/ollama" ] || mv -f "$previous/ollama" "$binary"
  if [ -e "$previous/lib-ollama" ]; then
    rm -rf "$prefix/lib/ollama"
    mv "$previous/lib-ollama" "$prefix/lib/ollama"
  fi
  if [ -n "$is_root" ] && [ -f "$previous/ollama.service" ]; then
    mv -f "$previous/ollama.service" "$UNIT"
    # The restored unit says itself what was kept for its successor.
    if ! grep -q '^# Written by' "$UNIT"; then
      rm -f "$UNIT.d/kept.conf"
      rmdir "$UNIT.d" 2>/dev/null || true
    fi
  fi
  rm -rf "$previous"
  restart_restored
}

restart_restored() {
  [ -d /run/systemd/system ] && has systemctl || return 0
  if [ -n "$is_root" ]; then scope=--system; else scope=--user; fi
  systemctl "$scope" daemon-reload || true
  [ -n "${OLLAMA_NO_START:-}" ] || systemctl "$scope" restart ollama || true
}

clean_up() {
  code=$?
  trap - EXIT
  trap '' INT TERM HUP
  [ -z "$staging" ] || rm -rf "$staging" "$previous.new"
  if [ "$code" -ne 0 ] && [ -n "$replacing" ]; then
    restore
    say "put back what was there before"
  fi
  if [ "$code" -ne 0 ]; then
    printf '%s' "$made" | while read -r folder; do rmdir "$folder" 2>/dev/null || true; done
  fi
  exit "$code"
}

roll_back() {
  [ -d "$previous" ] || fail "there is nothing to go back to: $previous does not exist"
  replacing=older
  restore
  say "put back the previous version: $binary"
}

uninstall() {
  [ -x "$binary" ] || fail "there is no Ollama in $prefix to remove (OLLAMA_INSTALL_DIR names another place)"
  "$binary" uninstall --help >/dev/null 2>&1 || fail "$binary is another program's; remove it as that says"
  # shellcheck disable=SC2086 # one word or none
  "$binary" uninstall --yes $purge
}

# --- The service --------------------------------------------------------------------------------------------------

set_up_service() {
  start=
  [ -z "${OLLAMA_NO_START:-}" ] || start=--no-start
  if [ -z "$is_root" ] && [ -f "$UNIT" ]; then
    warn "this machine runs Ollama as a system service already, so you get the program alone; to replace that one, run this as root"
    return
  fi
  # shellcheck disable=SC2086 # one word or none
  if "$binary" service install $start >"$staging/said" 2>&1; then
    sed 's/^/>>> /' "$staging/said" >&2
    [ -n "$start" ] || check_service
  elif grep -q 'no systemd, launchd or OpenRC' "$staging/said"; then
    say "no service manager runs here; start the server with: $binary serve"
  else
    fail "the service could not be set up: $(tail -n 1 "$staging/said")"
  fi
}

# A server that falls over at once must not replace one that ran.
check_service() {
  [ -d /run/systemd/system ] && grep -q 'systemd' "$staging/said" || return 0
  if grep -q 'not running' "$staging/said"; then return 0; fi
  tries=0
  until "$binary" service status >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 5 ] || fail "the service does not stay up; see: $binary service logs"
    sleep 1
  done
}

finish() {
  if [ -n "$is_wsl2" ]; then
    [ -d /run/systemd/system ] || say "WSL without systemd: add the lines [boot] and systemd=true to /etc/wsl.conf, then in PowerShell: wsl --shutdown"
    say "WSL: keep models in the Linux file system (not below /mnt), where reading is many times faster"
  fi
  found=$(command -v ollama || true)
  case $found in
  "$binary") say "Ollama $version is ready: ollama run <model>" ;;
  '') say "Ollama $version is ready: $binary. For the name alone: export PATH=\"$prefix/bin:\$PATH\" in ~/.profile" ;;
  *) warn "the name ollama means $found, which comes before $binary in PATH" ;;
  esac
}

main "$@"
