# Sourced by every script of hack/cluster: where things are, how to speak, how to fail.
# shellcheck shell=bash

CLUSTER_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
REPOSITORY=$(cd "$CLUSTER_DIR/../.." && pwd)

# Nothing below is written inside the repository: a clone stays clean, and two clones share the binaries.
CACHE=${WEFT_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/weft}

say() { printf '%s\n' "$*" >&2; }
step() { printf '  %-42s' "$1" >&2; }
done_in() { printf '%s\n' "$1" >&2; }
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
