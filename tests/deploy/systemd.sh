#!/bin/sh
# Runs a command where a systemd of its own looks after services, whose units lie in UNITS: sh systemd.sh UNITS COMMAND…
# As root. The namespaces end with the command, and what runs in them. It finds the manager with `systemctl --user`.
set -eu
if [ -z "${NEOCRM_TEST_INSIDE:-}" ]; then
  # Outside of the namespace of processes, to tidy up once they are gone.
  NEOCRM_TEST_INSIDE=mounts exec unshare --mount --cgroup sh "$0" "$@"
fi
if [ "$NEOCRM_TEST_INSIDE" = mounts ]; then
  mount -t tmpfs tmpfs /sys/fs/cgroup
  mount -t cgroup2 none /sys/fs/cgroup
  # A manager refuses to run where systemd does not seem to be the machine's.
  mount -t tmpfs tmpfs /run
  mkdir -p /run/systemd/system /run/user
  group=/sys/fs/cgroup/neocrm-test-$$
  mkdir "$group"
  code=0
  NEOCRM_TEST_INSIDE=$group unshare --pid --fork --kill-child --mount-proc sh "$0" "$@" || code=$?
  # What was killed is gone a moment later.
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
    [ -e "$group" ] || break
    sleep 0.2
  done
  exit "$code"
fi
echo $$ >"$NEOCRM_TEST_INSIDE/cgroup.procs"
units=$1
shift
export XDG_RUNTIME_DIR=/run/user HOME=/run/user
SYSTEMD_UNIT_PATH=$units: /lib/systemd/systemd --user --unit=basic.target >/run/user/log 2>&1 &
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  systemctl --user is-active --quiet basic.target 2>/dev/null && exec "$@"
  sleep 0.5
done
cat /run/user/log >&2
exit 1
