# Sourced: the control group that every process of the cluster is in, under cgroup v1 and v2.
# shellcheck shell=bash

readonly CGROUP_MOUNT=/sys/fs/cgroup

cgroup_v2() { [[ -e $CGROUP_MOUNT/cgroup.controllers ]]; }

# The root of every hierarchy: one under v2; under v1 one per controller, and often an empty v2 one that runc uses too.
cgroup_roots() { awk '$3 == "cgroup" || $3 == "cgroup2" { print $2 }' /proc/self/mounts; }

# Controllers are handed down one at a time: a missing one must not take the others with it.
hand_down_controllers() {
  local controller
  for controller in cpu cpuset memory pids io hugetlb; do
    echo "+$controller" 2>/dev/null >"$1/cgroup.subtree_control" || true
  done
}

# Those of the node in use.
create_cgroups() {
  local root group
  for root in $(cgroup_roots); do
    group=$root/$NODE_CGROUP
    mkdir -p "$group" 2>/dev/null || die "no control group can be made in $root (read-only, as in an unprivileged container?): 'make run-local' needs none"
    if cgroup_v2; then
      hand_down_controllers "$root"
      hand_down_controllers "$root/$CGROUP"
      hand_down_controllers "$group"
    fi
    mkdir -p "$group/system"
    # Under v1 a new cpuset is empty and admits no process.
    if [[ -e $group/cpuset.cpus ]] && ! cgroup_v2; then
      for group in "$group" "$group/system"; do
        cat "$root/cpuset.cpus" >"$group/cpuset.cpus"
        cat "$root/cpuset.mems" >"$group/cpuset.mems"
      done
    fi
  done
}

# Moves the calling shell: what it executes next belongs to the cluster, not to the session that started it.
enter_cgroup() {
  local root
  for root in $(cgroup_roots); do echo "$BASHPID" >"$root/$NODE_CGROUP/system/cgroup.procs"; done
}

# cgroup_processes [GROUP]: of the cluster, or of one node.
cgroup_processes() {
  local root group=${1:-$CGROUP}
  for root in $(cgroup_roots); do
    [[ -d $root/$group ]] || continue
    find "$root/$group" -name cgroup.procs -exec cat {} + 2>/dev/null || true
  done | sort -un
}

remove_cgroups() {
  local root
  for root in $(cgroup_roots); do
    [[ -d $root/$CGROUP ]] || continue
    # Depth first; a group whose last process has just ended can be busy for a moment.
    wait_until 10 remove_cgroup_tree "$root/$CGROUP" || die "control group $root/$CGROUP is still in use: $(find "$root/$CGROUP" -name cgroup.procs -exec cat {} + | sort -u | tr '\n' ' ')"
  done
}

remove_cgroup_tree() {
  find "$1" -depth -type d -exec rmdir {} + 2>/dev/null
  [[ ! -d $1 ]]
}

# Memory of everything in the group, in MiB, page cache included.
memory_mib() {
  local file=$CGROUP_MOUNT/$CGROUP/memory.current
  [[ -r $file ]] || file=$CGROUP_MOUNT/memory/$CGROUP/memory.usage_in_bytes
  [[ -r $file ]] && echo $(($(<"$file") / 1048576)) || echo unknown
}
