# Sourced: the network, mount and host-name namespaces that hold the cluster, pinned by files so that no process has to.
# shellcheck shell=bash

# Only in the private /run of the cluster.
INSIDE_MARK=/run/.inside-weft-cluster

# What enters the namespaces: nothing for a command that `run` has already put there (a test that restarts a component).
if [[ -e $INSIDE_MARK ]]; then
  ENTER=(env)
else
  ENTER=(nsenter --net="$NAMESPACES/net" --mount="$NAMESPACES/mnt" --uts="$NAMESPACES/uts" --)
fi

namespaces_exist() { [[ -e $INSIDE_MARK ]] || { mountpoint -q "$NAMESPACES/mnt" && mountpoint -q "$NAMESPACES/net"; }; }

inside() { "${ENTER[@]}" "$@"; }

refuse_inside() { [[ ! -e $INSIDE_MARK ]] || die "run this outside of hack/cluster/run: it would end the cluster it runs in"; }

create_namespaces() {
  mkdir -p "$NAMESPACES"
  # A mount namespace can only be pinned on a mount that is not shared with others.
  mount --bind "$NAMESPACES" "$NAMESPACES"
  mount --make-private "$NAMESPACES"
  touch "$NAMESPACES"/{net,mnt,uts}
  [[ -d /var/lib/cni ]] || {
    mkdir /var/lib/cni
    touch "$STATE/made-var-lib-cni"
  }
  unshare --net="$NAMESPACES/net" --mount="$NAMESPACES/mnt" --uts="$NAMESPACES/uts" --propagation private \
    bash -euc 'source "$1/lib/common.sh"; source "$1/lib/state.sh"; source "$1/lib/namespaces.sh"; furnish_mounts; furnish_network' \
    furnish "$CLUSTER_DIR" 9>&- ||
    die "the kernel refuses a network or mount namespace here: 'make run-local' needs none"
}

# Runs inside the new namespaces. What the node's programs write in fixed places goes where `down` removes it.
furnish_mounts() {
  # containerd's shims put their sockets in /run/containerd whatever the configuration says; others have locks in /run.
  mkdir -p "$STATE/run" "$DATA/log" "$DATA/cni"
  mount -t tmpfs -o mode=755 weft-run "$STATE/run"
  mkdir -p "$STATE/run"/{lock,mount}
  touch "$STATE/run${INSIDE_MARK#/run}"
  if [[ $STATE == /run/* ]]; then
    mkdir -p "$STATE/run${STATE#/run}"
    mount --bind "$STATE" "$STATE/run${STATE#/run}"
  fi
  mount --no-mtab --move "$STATE/run" /run
  mount --bind "$DATA/log" /var/log
  mount --bind "$DATA/cni" /var/lib/cni
  # Names inside resolve as they do in a pod: tests reach Services by name.
  printf 'nameserver %s\nsearch svc.cluster.local cluster.local\noptions ndots:5\n' "$DNS_ADDRESS" >"$STATE/resolv.conf"
  if [[ -e /etc/resolv.conf ]]; then mount --bind "$STATE/resolv.conf" /etc/resolv.conf; fi
}

furnish_network() {
  hostname "$NODE_NAME"
  ip link set lo up
  # A bridge without ports: the address of the node, on kernels without dummy devices too.
  ip link add node0 type bridge
  ip address add "$NODE_ADDRESS/24" dev node0
  ip link set node0 up
  # Local connections to a Service need some route before kube-proxy's rules rewrite them.
  ip route add default dev node0
  sysctl -qw net.ipv4.ip_forward=1
  # Thousands of connections a second through few addresses: the default range and TIME-WAIT are soon used up.
  sysctl -qw net.ipv4.ip_local_port_range="10240 65000"
}

remove_namespaces() {
  local name
  for name in mnt net uts; do
    if mountpoint -q "$NAMESPACES/$name"; then umount "$NAMESPACES/$name"; fi
  done
  while mountpoint -q "$NAMESPACES"; do umount "$NAMESPACES"; done
  if [[ -e $STATE/made-var-lib-cni ]]; then rmdir --ignore-fail-on-non-empty /var/lib/cni; fi
}
