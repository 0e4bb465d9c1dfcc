#!/bin/sh
# Installs Neo CRM on a Linux machine, updates it, or goes back: sh install.sh --help
#
# Nothing is installed whose checksum is not the one in SHA256SUMS, and an update that does not become healthy is taken back, with its data.
set -eu
umask 022

usage() {
  cat <<'END'
sh install.sh [URL] [options]   install Neo CRM, or update it
sh install.sh --rollback        go back to the version before the last update, and to its data

URL is a folder that holds a release: SHA256SUMS, neocrm.service and neocrm-linux-x64.gz or neocrm-linux-arm64.gz.
http://, https:// and file:// are understood. Without one, it is the URL of last time.

  --root DIR          install below DIR, for whoever runs this: no user is made, and systemd is not asked
  --service COMMAND   called as COMMAND start|stop|restart|is-active neocrm, where there is no systemd
  --wait SECONDS      how long a started server may take to become healthy (60)

Exit codes: 0 done, or nothing to do; 1 failed, and the version before is in place; 2 wrong usage.
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

url='' root='' service='' wait=60 action=install_release
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage && exit 0 ;;
    --rollback) action=go_back ;;
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
    *)
      [ -z "$url" ] || misused "One URL is enough."
      url=${1%/}
      ;;
  esac
  shift
done
case $wait in '' | *[!0-9]*) misused "--wait needs a number of seconds, not \"$wait\"." ;; esac

program=$root/usr/local/bin/neocrm
previous=$root/usr/local/lib/neocrm/neocrm.previous
unit=$root/etc/systemd/system/neocrm.service
settings=$root/etc/neocrm/neocrm.env
remembered=$root/etc/neocrm/release-url
data=$root/var/lib/neocrm

[ -n "$root" ] || [ "$(id -u)" = 0 ] || fail "Only root can install: run it with sudo, or below a folder of yours with --root DIR."
if [ -z "$service$root" ] && [ -d /run/systemd/system ]; then service=systemctl; fi

# --- The release

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
  esac || fail "$url/$1 cannot be fetched. Nothing was changed."
}

# check FILE: compares it with its line of SHA256SUMS.
check() {
  wanted=$(awk -v file="$1" '$2 == file || $2 == "*" file { print $1 }' "$work/SHA256SUMS")
  [ -n "$wanted" ] || fail "SHA256SUMS has no line for $1: this is no whole release. Nothing was changed."
  actual=$(sha256sum "$work/$1" | cut -d ' ' -f 1)
  [ "$wanted" = "$actual" ] ||
    fail "$1 is not what was released: its SHA-256 is $actual, and SHA256SUMS says $wanted. Nothing was changed."
}

download() {
  file=neocrm-linux-$(machine).gz
  say "Fetching $url/$file"
  for name in SHA256SUMS neocrm.service "$file"; do fetch "$name"; done
  for name in neocrm.service "$file"; do check "$name"; done
  gzip -dc "$work/$file" >"$work/neocrm" || fail "$file cannot be unpacked in $work: is the disk full?"
  chmod 755 "$work/neocrm"
  "$work/neocrm" version >"$work/version" 2>&1 ||
    fail "$file does not run here; it needs glibc, as Debian 12, Ubuntu 22.04 and RHEL 9 have: $(cat "$work/version")"
}

# --- The server

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

call() {
  [ -n "$service" ] || return 0
  # After five failed starts systemd refuses another one, also that of the version which is put back.
  if [ "$service" = systemctl ] && [ "$1" != is-active ]; then systemctl reset-failed neocrm 2>/dev/null || true; fi
  "$service" "$1" neocrm
}

# Whether the server that was just started is ready; looks each second.
becomes_healthy() {
  [ -n "$service" ] || return 0
  left=$wait
  while ! { call is-active && as_server "$program" healthcheck; } >"$work/health" 2>&1; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || return 1
    sleep 1
  done
}

# --- Files

# put FILE PLACE MODE: whole or not at all, whoever is looking and whenever the power goes.
put() {
  mkdir -p "$(dirname "$2")"
  cp "$1" "$2.new"
  chmod "$3" "$2.new"
  sync "$2.new" 2>/dev/null || sync
  mv -f "$2.new" "$2"
}

# exchange A B MODE
exchange() {
  cp "$1" "$work/exchanged"
  put "$2" "$1" "$3"
  put "$work/exchanged" "$2" "$3"
}

put_unit() {
  put "$1" "$unit" 644
  [ "$service" = systemctl ] || return 0
  systemctl daemon-reload
  systemctl --quiet enable neocrm
}

prepare() {
  if [ -z "$root" ] && ! id neocrm >/dev/null 2>&1; then
    useradd --system --user-group --home-dir "$data" --no-create-home --shell /usr/sbin/nologin neocrm
    say "Made the user neocrm."
  fi
  mkdir -p "$data" "$(dirname "$settings")"
  [ -n "$root" ] || chown neocrm:neocrm "$data"
  chmod 700 "$data"
  [ ! -e "$settings" ] || return 0
  # Passwords will stand in it.
  (umask 077 && say '# Settings of Neo CRM, NAME=value on each line; `neocrm config print` shows all there are.' >"$settings")
}

# --- What can be done

install_release() {
  if [ -z "$url" ] && [ -s "$remembered" ]; then url=$(cat "$remembered"); fi
  [ -n "$url" ] || misused "Say where the release is: sh install.sh URL."
  download
  prepare
  if cmp -s "$work/neocrm" "$program"; then
    put_unit "$work/neocrm.service"
    call start || true
    becomes_healthy || fail "$("$program" version) is installed already, and not healthy: $(cat "$work/health")"
    say "$("$program" version) is installed already."
  elif [ -e "$program" ]; then update
  else install_first
  fi
  say "$url" >"$remembered"
}

install_first() {
  put "$work/neocrm" "$program" 755
  put_unit "$work/neocrm.service"
  call restart || true
  becomes_healthy || fail "It is installed, but does not become healthy ($(cat "$work/health")): journalctl --unit neocrm says why."
  say "Installed $("$program" version) as $program."
  [ -z "$root" ] || return 0
  [ -n "$service" ] || say "There is no systemd here. Start it: runuser -u neocrm -- $program serve --data-dir $data"
  say "Make the first admin: runuser -u neocrm -- $program user create --role admin --data-dir $data"
}

update() {
  put "$program" "$previous" 755
  put "$unit" "$previous.service" 644
  put "$work/neocrm" "$program" 755
  put_unit "$work/neocrm.service"
  call restart || true
  if becomes_healthy; then
    say "Updated to $("$program" version). To go back: sh install.sh --rollback"
    return 0
  fi
  say "The new version does not become healthy: $(cat "$work/health")" >&2
  take_back
  rm -f "$previous" "$previous.service"
  becomes_healthy || fail "$("$program" version) is back, but not healthy either: journalctl --unit neocrm says why."
  fail "The update was taken back; $("$program" version) is in place again. journalctl --unit neocrm says what was wrong."
}

# Puts the previous program in the place of the present one, and the database with it; the present one becomes the previous one.
take_back() {
  call stop || true
  as_server "$previous" migrate status >"$work/status" 2>&1 || true
  if grep -q '^unknown ' "$work/status" && ! as_server "$program" rollback; then
    call start || true
    fail "The database cannot be taken back (see above), so the newer program stays."
  fi
  exchange "$program" "$previous" 755
  exchange "$unit" "$previous.service" 644
  put_unit "$unit"
  call start || true
}

go_back() {
  [ -e "$previous" ] || fail "There is no version to go back to."
  take_back
  becomes_healthy || fail "$("$program" version) is back, but not healthy: $(cat "$work/health")"
  say "$("$program" version) is back. To go forward again: sh install.sh"
}

# Not /tmp, which may be small or forbid running what is in it.
mkdir -p "$root/var/tmp"
work=$(mktemp -d "$root/var/tmp/neocrm-install.XXXXXX")
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
$action
