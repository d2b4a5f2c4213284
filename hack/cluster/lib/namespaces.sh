# Sourced: the network, mount and host-name namespaces that hold the cluster, pinned by files so that no process has to.
# shellcheck shell=bash

# Programs of a node write here whatever their configuration says; inside, these are folders of the cluster.
readonly FIXED_FOLDERS=(/var/lib/cni /var/lib/kubelet)

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

# Runs a command in the network of the node in use. Another node than the first has a network namespace of its own, pinned in the private /run of the cluster.
on_node() { "${ENTER[@]}" ${SUFFIX:+nsenter --net="/run/netns/$NODE_NAME" --} "$@"; }
node_exists() { [[ -z $SUFFIX ]] || inside test -e "/run/netns/$NODE_NAME"; }

refuse_inside() { [[ ! -e $INSIDE_MARK ]] || die "run this outside of hack/cluster/run: it would end the cluster it runs in"; }

create_namespaces() {
  mkdir -p "$NAMESPACES"
  # A mount namespace can only be pinned on a mount that is not shared with others.
  mount --bind "$NAMESPACES" "$NAMESPACES"
  mount --make-private "$NAMESPACES"
  touch "$NAMESPACES"/{net,mnt,uts}
  local folder
  for folder in "${FIXED_FOLDERS[@]}"; do
    [[ -d $folder ]] || {
      mkdir "$folder"
      printf '%s\n' "$folder" >>"$STATE/made-folders"
    }
  done
  unshare --net="$NAMESPACES/net" --mount="$NAMESPACES/mnt" --uts="$NAMESPACES/uts" --propagation private \
    bash -euc 'source "$1/lib/common.sh"; source "$1/lib/state.sh"; source "$1/lib/namespaces.sh"; furnish_mounts; furnish_network' \
    furnish "$CLUSTER_DIR" 9>&- ||
    die "the kernel refuses a network or mount namespace here: 'make run-local' needs none"
}

# Runs inside the new namespaces. What the node's programs write in fixed places goes where `down` removes it.
furnish_mounts() {
  # containerd's shims put their sockets in /run/containerd whatever the configuration says; others have locks in /run.
  mkdir -p "$STATE/run" "$DATA/log" "$DATA/cni" "$DATA/kubelet-fixed"
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
  mount --bind "$DATA/kubelet-fixed" /var/lib/kubelet
  # Names inside resolve as they do in a pod: tests reach Services by name.
  printf 'nameserver %s\nsearch svc.cluster.local cluster.local\noptions ndots:5\n' "$DNS_ADDRESS" >"$STATE/resolv.conf"
  if [[ -e /etc/resolv.conf ]]; then mount --bind "$STATE/resolv.conf" /etc/resolv.conf; fi
}

furnish_network() {
  hostname "$NODE_NAME"
  ip link set lo up
  # A bridge: the address of the node, on kernels without dummy devices too. Other nodes are its ports.
  ip link add node0 type bridge
  ip address add "$NODE_ADDRESS/24" dev node0
  ip link set node0 up
  # Local connections to a Service need some route before kube-proxy's rules rewrite them.
  ip route add default dev node0
  tune_network
}

tune_network() {
  sysctl -qw net.ipv4.ip_forward=1
  # Thousands of connections a second through few addresses: the default range and TIME-WAIT are soon used up.
  sysctl -qw net.ipv4.ip_local_port_range="10240 65000"
}

# The network of another node: a cable to the bridge of the first, and routes to each other's pods.
create_node_network() {
  local other
  inside ip netns add "$NODE_NAME"
  inside ip link add "$NODE_NAME" type veth peer name node0 netns "$NODE_NAME"
  inside ip link set "$NODE_NAME" master node0 up
  on_node ip link set lo up
  on_node ip address add "$NODE_ADDRESS/24" dev node0
  on_node ip link set node0 up
  on_node ip route add default via "$SERVER_ADDRESS"
  on_node bash -euc 'source "$1/lib/common.sh"; source "$1/lib/state.sh"; source "$1/lib/namespaces.sh"; tune_network' tune "$CLUSTER_DIR"
  local number=$NODE address=$NODE_ADDRESS subnet=$POD_SUBNET
  for ((other = 1; other < number; other++)); do
    use_node "$other"
    on_node ip route add "$subnet" via "$address"
    local other_address=$NODE_ADDRESS other_subnet=$POD_SUBNET
    use_node "$number"
    on_node ip route add "$other_subnet" via "$other_address"
  done
}

remove_namespaces() {
  local name
  for name in mnt net uts; do
    if mountpoint -q "$NAMESPACES/$name"; then umount "$NAMESPACES/$name"; fi
  done
  while mountpoint -q "$NAMESPACES"; do umount "$NAMESPACES"; done
  if [[ -e $STATE/made-folders ]]; then xargs rmdir --ignore-fail-on-non-empty <"$STATE/made-folders"; fi
}
