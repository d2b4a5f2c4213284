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
CONTAINERD_SOCKET=$STATE/containerd.sock
ADMIN_KUBECONFIG=$PKI/admin.kubeconfig

# All of these exist inside the cluster's own network namespace only.
NODE_NAME=weft
NODE_ADDRESS=10.11.0.1
POD_SUBNET=10.244.0.0/24
SERVICE_SUBNET=10.96.0.0/16
DNS_ADDRESS=10.96.0.10
SERVER=https://$NODE_ADDRESS:6443

# Every process of the cluster, pods included, is below this control group: that is how `down` finds them all.
CGROUP=$(basename "$STATE")

# Started in this order.
COMPONENTS=(etcd containerd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy)

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
