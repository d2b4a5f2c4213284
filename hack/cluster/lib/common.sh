# Sourced by every script of hack/cluster: where things are, how to speak, how to fail.
# shellcheck shell=bash
# shellcheck disable=SC2034  # read by the scripts that source this one

CLUSTER_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Nothing is built inside the repository: a clone stays clean, and two clones share the programs.
CACHE=${WEFT_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/weft}

say() { printf '%s\n' "$*" >&2; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# Milliseconds since the epoch, for "how long did it take".
now_ms() { date +%s%3N; }
seconds_since() {
  local ms=$(($(now_ms) - $1))
  printf '%d.%01d s' $((ms / 1000)) $((ms % 1000 / 100))
}

# wait_until SECONDS COMMAND...: runs the command until it succeeds, at most that long.
wait_until() {
  local deadline=$(($(now_ms) + $1 * 1000))
  shift
  until "$@" >/dev/null 2>&1; do
    (($(now_ms) < deadline)) || return 1
    sleep 0.1
  done
}

# One script of ours at a time. The daemons started below must not inherit the lock: they close descriptor 9.
take_lock() {
  mkdir -p "$CACHE"
  exec 9>"$CACHE/$1.lock"
  flock -n 9 && return
  say "another hack/cluster command holds $CACHE/$1.lock: waiting for it"
  flock -w "$2" 9 || die "the other command did not end within $2 s"
}
