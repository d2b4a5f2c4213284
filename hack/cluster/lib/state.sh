# Sourced: names, addresses and folders of the one cluster that these scripts know.
# shellcheck shell=bash
# shellcheck disable=SC2034

# Sockets, process ids, certificates, logs; the data beside it, because /run may be a small memory file system.
# Another WEFT_CLUSTER_STATE is another cluster, which can run at the same time.
STATE=${WEFT_CLUSTER_STATE:-/run/weft-cluster}
if [[ -n ${WEFT_CLUSTER_STATE:-} ]]; then DATA=$STATE/data; else DATA=/var/lib/weft-cluster; fi
NAMESPACES=$STATE/namespaces
PKI=$STATE/pki
LOGS=$STATE/log
PIDS=$STATE/pid
ADMIN_KUBECONFIG=$PKI/admin.kubeconfig

# All of these exist inside the cluster's own network namespaces only.
SERVER_ADDRESS=10.11.0.1
CLUSTER_SUBNET=10.244.0.0/16
SERVICE_SUBNET=10.96.0.0/16
DNS_ADDRESS=10.96.0.10
SERVER=https://$SERVER_ADDRESS:6443

readonly NODES_MAX=9

# How many nodes the cluster has, by what `up` has noted.
node_count() { cat "$STATE/nodes" 2>/dev/null || echo 1; }
node_numbers() { seq "$(node_count)"; }

# use_node NUMBER: what follows is about this node. The first one has the control plane too, and names without a number.
use_node() {
  NODE=$1
  SUFFIX=
  (($1 == 1)) || SUFFIX=-$1
  NODE_NAME=weft$SUFFIX
  NODE_ADDRESS=10.11.0.$1
  POD_SUBNET=10.244.$(($1 - 1)).0/24
  ZONE=zone-$1
  CONTAINERD_SOCKET=$STATE/containerd$SUFFIX.sock
  # Each node's programs and pods are a group by themselves: two kubelets in one would end each other's pods.
  NODE_CGROUP=$CGROUP
  (($1 == 1)) || NODE_CGROUP=$CGROUP/$NODE_NAME
}

# Every process of the cluster, pods included, is below this control group: that is how `down` finds them all.
CGROUP=$(basename "$STATE")

# each_node COMMAND...: with one node in use after the other, until it fails for one.
each_node() {
  local number status=0
  for number in $(node_numbers); do
    use_node "$number"
    "$@" || {
      status=$?
      break
    }
  done
  use_node 1
  return "$status"
}

# Started in this order. Those of another node than the first have its number behind their names: kubelet-2.
NODE_PROGRAMS=(containerd kubelet kube-proxy)
components() {
  local number name
  printf '%s\n' etcd containerd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy
  for number in $(node_numbers); do
    ((number == 1)) || for name in "${NODE_PROGRAMS[@]}"; do printf '%s-%s\n' "$name" "$number"; done
  done
}

# The user's own cluster is used instead of ours when KUBECONFIG or CONTEXT names one.
external_cluster() {
  [[ -n ${CONTEXT:-} ]] && return 0
  [[ -n ${KUBECONFIG:-} && $KUBECONFIG != "$ADMIN_KUBECONFIG" ]]
}

# Prints the kubeconfig of the user's cluster, cut down to CONTEXT where one is named.
external_kubeconfig() {
  if [[ -z ${CONTEXT:-} ]]; then
    printf '%s\n' "$KUBECONFIG"
    return
  fi
  local file=$CACHE/context.kubeconfig
  mkdir -p "$CACHE"
  (umask 077 && kubectl config view --minify --flatten --context="$CONTEXT" >"$file") || die "no context '$CONTEXT' in the kubeconfig"
  printf '%s\n' "$file"
}

require_root() {
  ((EUID == 0)) || die "a Kubernetes node needs root (network namespaces, mounts, control groups). Run this as root or by sudo;
  without root, 'make run-local' runs the mesh on a real API server without containers,
  and KUBECONFIG=<file> uses a cluster that you have."
}

use_node 1
