#!/bin/sh
# Installs Neo CRM on a Linux machine with systemd, or updates it:
#
#   sh install.sh URL        URL of a folder that holds a release; once installed, it is remembered
#   sh install.sh --help
#
# A file whose checksum is not the one in SHA256SUMS is not installed. An update that does not become healthy is taken back.
set -eu
umask 022

usage() {
  cat <<'END'
sh install.sh [URL] [options]   install Neo CRM, or update it
sh install.sh --rollback        go back to the version before the last update

URL is a folder that holds a release: SHA256SUMS, neocrm.service and neocrm-linux-x64.gz or neocrm-linux-arm64.gz.
http://, https:// and file:// are understood. Without one, it is the URL of last time.

  --root DIR          install below DIR, for whoever runs this: no user is made, and no service started
  --service COMMAND   what is called with start, stop, restart or is-active in the place of systemctl
  --wait SECONDS      how long a started server may take to become healthy (60)

Exit codes: 0 done, or nothing to do; 1 failed, and everything is as it was before; 2 wrong usage.
END
}

say() { printf '%s\n' "$*"; }
fail() {
  printf 'install.sh: %s\n' "$*" >&2
  exit 1
}
misused() {
  printf 'install.sh: %s Try: sh install.sh --help\n' "$*" >&2
  exit 2
}

url= root= service= wait=60 action=install_release
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage && exit 0 ;;
    --rollback) action=rollback ;;
    --root | --service | --wait)
      [ $# -gt 1 ] || misused "$1 needs a value."
      case $1 in
        --root) root=${2%/} ;;
        --service) service=$2 ;;
        --wait) wait=$2 ;;
      esac
      shift
      ;;
    -*) misused "There is no option $1." ;;
    *) [ -z "$url" ] && url=${1%/} || misused "One URL is enough." ;;
  esac
  shift
done
case $wait in '' | *[!0-9]*) misused "--wait needs a number of seconds, not \"$wait\"." ;; esac

program=$root/usr/local/bin/neocrm
previous=$root/usr/local/lib/neocrm/neocrm.previous
unit=$root/etc/systemd/system/neocrm.service
settings=$root/etc/neocrm/neocrm.env
healthy=$root/usr/local/lib/neocrm/healthy.sha256
source_file=$root/etc/neocrm/release-url
data=$root/var/lib/neocrm

[ -n "$root" ] || [ "$(id -u)" = 0 ] || fail "Only root can install: run it with sudo, or below a folder of yours with --root DIR."
if [ -z "$service" ] && [ -z "$root" ] && [ -d /run/systemd/system ]; then service=systemctl; fi

# ── What is asked of the machine ────────────────────────────────────────────────────────────────────────────────────────────────────

machine() {
  [ "$(uname -s)" = Linux ] || fail "Neo CRM runs on Linux, and this is $(uname -s)."
  case $(uname -m) in
    x86_64 | amd64) say x64 ;;
    aarch64 | arm64) say arm64 ;;
    *) fail "There is no Neo CRM for a processor $(uname -m), only for x86_64 and aarch64." ;;
  esac
}

# fetch FILE: takes it from the release into $work.
fetch() {
  case $url in
    file://*) cp "${url#file://}/$1" "$work/$1" ;;
    *)
      if command -v curl >/dev/null; then
        curl --fail --silent --show-error --location --retry 2 --output "$work/$1" "$url/$1"
      elif command -v wget >/dev/null; then
        wget --quiet --tries=3 --output-document="$work/$1" "$url/$1"
      else
        fail "Neither curl nor wget is here: install one of them, for example apt-get install curl."
      fi
      ;;
  esac || fail "$url/$1 cannot be fetched."
}

sum_of() { sha256sum <"$1" | cut -d ' ' -f 1; }

# check FILE: compares it with its line of SHA256SUMS.
check() {
  wanted=$(awk -v file="$1" '$2 == file || $2 == "*" file { print $1 }' "$work/SHA256SUMS")
  [ -n "$wanted" ] || fail "SHA256SUMS has no line for $1: this is no whole release."
  actual=$(sum_of "$work/$1")
  [ "$wanted" = "$actual" ] || fail "$1 is not what was released: its SHA-256 is $actual, and SHA256SUMS says $wanted. Nothing was changed."
}

# as_server COMMAND…: runs it as the server's user and with its settings. The file is read as systemd reads it: nothing in it is run.
as_server() (
  export DATA_DIR="$data" HOST=127.0.0.1
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in
      [A-Za-z_]*=*)
        value=${line#*=}
        case $value in
          \"*\") value=${value#\"} value=${value%\"} ;;
          \'*\') value=${value#\'} value=${value%\'} ;;
        esac
        export "${line%%=*}=$value"
        ;;
    esac
  done <"$settings"
  cd "$data"
  [ -n "$root" ] || set -- runuser -u neocrm -- "$@"
  exec "$@"
)

# ── The service ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

call() {
  [ -n "$service" ] || return 0
  # Whatever failed before, it may start again.
  if [ "$service" = systemctl ]; then systemctl reset-failed neocrm 2>/dev/null || true; fi
  $service "$1" neocrm
}

# Whether the server that was just started runs and is ready; looks each second.
becomes_healthy() {
  [ -n "$service" ] || return 0
  left=$wait
  while ! { call is-active && as_server "$program" healthcheck; } >"$work/health" 2>&1; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || return 1
    sleep 1
  done
}

# put FILE PLACE MODE: whole or not at all, whoever is looking.
put() {
  mkdir -p "$(dirname "$2")"
  cp "$1" "$2.new"
  chmod "$3" "$2.new"
  sync "$2.new" 2>/dev/null || sync
  mv -f "$2.new" "$2"
}

# Reverts, with the newer program, the migrations that the older one does not know.
migrate_down_for() {
  while as_server "$1" migrate status >"$work/status" 2>&1 && grep -q '^unknown ' "$work/status"; do
    say "The database is newer than version $("$1" version): reverting one migration."
    as_server "$2" migrate down >"$work/down" 2>&1 || return 1
  done
}

# Exchanges the program and the previous one, and takes the database back as far as that needs.
exchange() {
  call stop || true
  if ! migrate_down_for "$previous" "$program"; then
    call start || true
    fail "The database could not be taken back: $(cat "$work/down"). The newer program stays; $data/backups has a snapshot from before."
  fi
  cp "$program" "$work/exchanged"
  put "$previous" "$program" 755
  put "$work/exchanged" "$previous" 755
  call start || true
}

# ── Install and update ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

download() {
  file=neocrm-linux-$(machine).gz
  say "Fetching $url/$file"
  for name in SHA256SUMS neocrm.service "$file"; do fetch "$name"; done
  for name in neocrm.service "$file"; do check "$name"; done
  gzip -dc "$work/$file" >"$work/neocrm" || fail "There is no room in $work to unpack $file."
  chmod 755 "$work/neocrm"
  "$work/neocrm" version >"$work/version" 2>&1 ||
    fail "$file does not run here; it needs glibc, as Debian 12, Ubuntu 22.04 and RHEL 9 have: $(cat "$work/version")"
}

prepare() {
  if [ -z "$root" ] && ! id neocrm >/dev/null 2>&1; then
    useradd --system --user-group --home-dir "$data" --no-create-home --shell /usr/sbin/nologin neocrm
    say "Made the user neocrm."
  fi
  mkdir -p "$data" "$(dirname "$settings")" "$(dirname "$healthy")"
  if [ ! -e "$settings" ]; then
    # Passwords will stand in it.
    (umask 077 && printf '%s\n' '# Settings of Neo CRM, NAME=value on each line; `neocrm config print` shows all there are.' >"$settings")
  fi
  if [ -z "$root" ]; then chown neocrm:neocrm "$data"; fi
  chmod 700 "$data"
}

install_unit() {
  if cmp -s "$1" "$unit"; then return 0; fi
  put "$1" "$unit" 644
  [ "$service" = systemctl ] || return 0
  systemctl daemon-reload
  systemctl --quiet enable neocrm
}

# Whether what was fetched is what runs. `healthy` is written last, so that an update that was cut off is done again.
is_installed() { cmp -s "$work/neocrm" "$program" && [ "$(cat "$healthy" 2>/dev/null)" = "$(sum_of "$program")" ]; }

install_release() {
  [ -n "$url" ] || { [ -s "$source_file" ] && url=$(cat "$source_file"); } || misused "Say where the release is: sh install.sh URL."
  download
  prepare
  keep "$unit" && keep "$previous"
  install_unit "$work/neocrm.service"
  if is_installed; then
    call start || true
    becomes_healthy || fail "Version $("$program" version) is installed already, and not healthy: $(cat "$work/health")"
    say "Version $("$program" version) is installed already."
    return 0
  fi
  if [ -e "$program" ] && ! cmp -s "$work/neocrm" "$program"; then put "$program" "$previous" 755; fi
  put "$work/neocrm" "$program" 755
  call restart || true
  becomes_healthy || take_back
  sum_of "$program" >"$healthy"
  printf '%s\n' "$url" >"$source_file"
  say "Installed version $("$program" version) as $program."
  if [ -e "$previous" ]; then say "Back to the version before: sh install.sh --rollback"; else next_steps; fi
}

# An update did not become healthy: everything as it was before.
take_back() {
  say "Version $("$program" version) does not become healthy: $(cat "$work/health")" >&2
  [ -e "$previous" ] || fail "It is installed, but does not run: journalctl --unit neocrm says why. Mend it, and run this again."
  call stop || true
  restore "$unit" install_unit
  exchange
  restore "$previous" keep_previous
  becomes_healthy || fail "Version $("$program" version) is back, and not healthy either: journalctl --unit neocrm says why."
  fail "The update was taken back: version $("$program" version) runs again. journalctl --unit neocrm says what was wrong."
}

# keep FILE: for `restore`.
keep() { if [ -e "$1" ]; then cp -p "$1" "$work/kept-${1##*/}"; fi; }
restore() { if [ -e "$work/kept-${1##*/}" ]; then "$2" "$work/kept-${1##*/}"; else rm -f "$1"; fi; }
keep_previous() { put "$1" "$previous" 755; }

next_steps() {
  [ -z "$root" ] || return 0
  [ -n "$service" ] || say "There is no systemd here. Start it with: cd $data && runuser -u neocrm -- $program serve --data-dir $data"
  say "Make the first admin: cd $data && runuser -u neocrm -- $program user create --role admin --data-dir $data"
}

rollback() {
  [ -e "$previous" ] || fail "There is no version to go back to."
  exchange
  becomes_healthy || fail "Version $("$program" version) is back, but not healthy: $(cat "$work/health")"
  sum_of "$program" >"$healthy"
  say "Version $("$program" version) is back. Forward again: sh install.sh --rollback"
}

# Not /tmp, which may be small or forbid running what is in it.
mkdir -p "$root/var/tmp"
work=$(mktemp -d "$root/var/tmp/neocrm-install.XXXXXX")
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
$action
