# Sourced: starting, finding and ending the cluster's processes. Never by name: others may run the same programs.
# shellcheck shell=bash

# A process id alone can be used again by another process: the time it started at makes it certain.
# Nothing is printed for a process that has ended and is only waiting to be collected.
start_time() { sed -n '/) Z /!s/.*) //p' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

running() {
  local pid started
  [[ -r $PIDS/$1 ]] || return 1
  read -r pid started <"$PIDS/$1"
  [[ -n $started && $(start_time "$pid") == "$started" ]]
}

# start NAME COMMAND...: in the cluster's namespaces and in the network and control group of the node in use, detached, output in the log folder,
# and without the caller's environment: a proxy variable would send the API server's webhook calls astray.
start() {
  local name=$1 pid
  shift
  mkdir -p "$LOGS" "$PIDS"
  (
    enter_cgroup
    exec "${ENTER[@]}" ${SUFFIX:+nsenter --net="/run/netns/$NODE_NAME" --} setsid env -i PATH="$PATH" HOME=/root "$@"
  ) </dev/null >>"$LOGS/$name.log" 2>&1 9>&- &
  pid=$!
  printf '%s %s\n' "$pid" "$(start_time "$pid")" >"$PIDS/$name"
}

# stop NAME: asks, waits ten seconds, then insists.
stop() {
  local pid
  running "$1" || return 0
  read -r pid _ <"$PIDS/$1"
  kill "$pid" 2>/dev/null || true
  wait_until 10 not running "$1" || kill -KILL "$pid" 2>/dev/null || true
  wait_until 5 not running "$1" || die "$1 (process $pid) does not end"
  rm -f "$PIDS/$1"
}

not() { ! "$@"; }

# Everything in our mount namespace (node programs, shims, commands run inside) and in our control group (pods).
all_processes() {
  cgroup_processes
  namespaces_exist || return 0
  local mine directory
  mine=$(stat -Lc %i "$NAMESPACES/mnt")
  for directory in /proc/[0-9]*; do
    [[ $(stat -Lc %i "$directory/ns/mnt" 2>/dev/null) != "$mine" ]] || printf '%s\n' "${directory#/proc/}"
  done
}

KILLED=()

# Succeeds once there is none left to kill.
kill_all() {
  local pids
  mapfile -t pids < <(all_processes | sort -un)
  ((${#pids[@]})) || return 0
  KILLED+=("${pids[@]}")
  kill -KILL "${pids[@]}" 2>/dev/null || true
  return 1
}

# An ended process stays in the table until its parent, by now process 1, has collected it.
killed_collected() {
  local pid
  for pid in "${KILLED[@]}"; do [[ ! -e /proc/$pid ]] || return 1; done
}
