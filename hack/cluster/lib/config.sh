# Sourced: the configuration files of the node's programs, on stdout.
# shellcheck shell=bash

# Overlay needs a file system below that can hold its upper layer: inside a container whose root is an overlay it cannot.
snapshotter() {
  local probe=$DATA/overlay-probe kind=native
  mkdir -p "$probe"/{lower,upper,work,merged}
  if mount -t overlay overlay -o "lowerdir=$probe/lower,upperdir=$probe/upper,workdir=$probe/work" "$probe/merged" 2>/dev/null; then
    umount "$probe/merged"
    kind=overlayfs
  fi
  rm -rf "$probe"
  printf '%s' "$kind"
}

containerd_config() {
  cat <<EOF
version = 2
root = "$DATA/containerd$SUFFIX"
state = "$STATE/containerd$SUFFIX"

[grpc]
address = "$CONTAINERD_SOCKET"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "$PAUSE_IMAGE"
# Without CAP_SYS_RESOURCE a process cannot lower its OOM score, and every sandbox would fail.
restrict_oom_score_adj = true
disable_apparmor = true
netns_mounts_under_state_dir = true

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "$CNI_PLUGINS"
conf_dir = "$STATE/cni$SUFFIX"

[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "$(snapshotter)"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
Root = "$STATE/runc$SUFFIX"
SystemdCgroup = false
EOF
}

# Sockets are bounded because all pods share one kernel (hack/adr/0003-cluster-network.md). Routed pods, not bridged ones: replies of a pod on the same bridge would pass by the Service's address translation
# unless the kernel's bridge netfilter is loaded and on, which is a property of the machine.
cni_config() {
  cat <<EOF
{
  "cniVersion": "0.4.0",
  "name": "weft",
  "plugins": [
    {
      "type": "ptp",
      "ipam": {
        "type": "host-local",
        "dataDir": "$DATA/cni/addresses$SUFFIX",
        "ranges": [[{"subnet": "$POD_SUBNET"}]],
        "routes": [{"dst": "0.0.0.0/0"}]
      }
    },
    {
      "type": "tuning",
      "sysctl": {
        "net.ipv4.tcp_rmem": "4096 131072 1048576",
        "net.ipv4.tcp_wmem": "4096 16384 1048576"
      }
    }
  ]
}
EOF
}

kubelet_config() {
  cat <<EOF
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: $PKI/ca.crt}
authorization: {mode: Webhook}
tlsCertFile: $PKI/kubelet$SUFFIX-server.crt
tlsPrivateKeyFile: $PKI/kubelet$SUFFIX-server.key
containerRuntimeEndpoint: unix://$CONTAINERD_SOCKET
cgroupDriver: cgroupfs
cgroupRoot: /$NODE_CGROUP
# 1.35 and later refuse cgroup v1 otherwise; 1.34 knows the field.
failCgroupV1: false
failSwapOn: false
clusterDomain: cluster.local
clusterDNS: [$DNS_ADDRESS]
resolvConf: $STATE/kubelet-resolv.conf
podLogsDir: /var/log/pods
makeIPTablesUtilChains: false
# A full disk of the machine is not this cluster's to tidy up, and an image that is removed cannot be pulled again.
evictionHard: {memory.available: 100Mi, nodefs.available: 0%, nodefs.inodesFree: 0%, imagefs.available: 0%, imagefs.inodesFree: 0%}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
maxPods: 200
shutdownGracePeriod: 0s
EOF
}

# The connection tracking sysctls belong to the machine: zero leaves them as they are.
# The default of one second between changes of the rules is longer than most tests wait for an endpoint.
kube_proxy_config() {
  cat <<EOF
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {kubeconfig: $PKI/kube-proxy.kubeconfig}
hostnameOverride: $NODE_NAME
mode: nftables
clusterCIDR: $CLUSTER_SUBNET
nftables: {minSyncPeriod: 50ms}
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
EOF
}
