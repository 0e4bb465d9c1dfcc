#!/bin/sh
# Does what systemd does with neocrm.service, as far as the installer asks for it, where there is no systemd. ROOT is in the place of `/`.
set -u
ROOT=${ROOT-}
unit=$ROOT/etc/systemd/system/neocrm.service pid=$ROOT/run/neocrm.pid
mkdir -p "$ROOT/run"

value() { sed -n "s|^$1=-\{0,1\}||p" "$unit"; }
is_active() { [ -s "$pid" ] && state=$(cut -d ' ' -f 3 "/proc/$(cat "$pid")/stat" 2>/dev/null) && [ "$state" != Z ]; }
stop() {
  is_active || return 0
  kill "$(cat "$pid")"
  while is_active; do sleep 0.05; done
}
start() {
  if is_active; then return 0; fi
  set -- env $(value Environment | sed "s|=/|=$ROOT/|g") $(grep -v '^#' "$ROOT$(value EnvironmentFile)") "$ROOT"$(value ExecStart)
  [ -n "$ROOT" ] || set -- setpriv --reuid="$(value User)" --regid="$(value Group)" --init-groups "$@"
  cd "$ROOT$(value WorkingDirectory)" || return 1
  setsid "$@" >>"$ROOT/run/neocrm.log" 2>&1 </dev/null &
  echo $! >"$pid"
}

for word; do
  case $word in
    is-active) is_active ;;
    start | stop) "$word" ;;
    restart) stop && start ;;
  esac || exit 3
done
