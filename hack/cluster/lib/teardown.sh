# Sourced: leaving nothing behind, from whatever state an interrupted start or a killed process left.
# shellcheck shell=bash

tear_down() {
  local name
  # First those who would start others again.
  for name in $(components); do
    [[ $name == kubelet* || $name == containerd* ]] || continue
    if running "$name"; then kill -KILL "$(cut -d' ' -f1 "$PIDS/$name")" 2>/dev/null || true; fi
  done
  wait_until 20 kill_all || die "these processes do not end: $(all_processes | tr '\n' ' ')"
  # The namespaces go with their last process and pin; every mount and link inside goes with them.
  remove_namespaces
  remove_cgroups
  rm -rf --one-file-system "$STATE" "$DATA"
  wait_until 10 killed_collected || say "process 1 has not collected all ended processes yet"
}

anything_left() { [[ -e $STATE || -e $DATA || -n $(cgroup_processes) ]]; }
