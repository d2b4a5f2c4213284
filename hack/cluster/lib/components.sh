# Sourced: how each program of the node is started. Flags are explained where the default would not do.
# shellcheck shell=bash

start_etcd() {
  # Losing the last second of a test cluster's life in a crash of the machine is fine; waiting for the disk is not.
  start etcd "$BIN/etcd" --data-dir="$DATA/etcd" --unsafe-no-fsync --log-level=warn \
    --listen-client-urls=http://127.0.0.1:2379 --advertise-client-urls=http://127.0.0.1:2379 \
    --listen-peer-urls=http://127.0.0.1:2380 --initial-advertise-peer-urls=http://127.0.0.1:2380 \
    --initial-cluster=default=http://127.0.0.1:2380
}

# start_component NAME: by its name with the number of its node.
start_component() {
  local number=1
  [[ $1 =~ -([0-9]+)$ ]] && number=${BASH_REMATCH[1]}
  use_node "$number"
  "start_${1%"$SUFFIX"}"
  use_node 1
}

start_containerd() {
  containerd_config >"$STATE/containerd$SUFFIX.toml"
  mkdir -p "$STATE/cni$SUFFIX"
  cni_config >"$STATE/cni$SUFFIX/10-weft.conflist"
  start "containerd$SUFFIX" containerd --config "$STATE/containerd$SUFFIX.toml"
}

start_kube-apiserver() {
  # InternalIP first: otherwise `kubectl exec` and `logs` look the node's name up in DNS.
  start kube-apiserver "$BIN/kube-apiserver" --etcd-servers=http://127.0.0.1:2379 \
    --secure-port=6443 --advertise-address="$SERVER_ADDRESS" --service-cluster-ip-range="$SERVICE_SUBNET" \
    --client-ca-file="$PKI/ca.crt" --tls-cert-file="$PKI/apiserver.crt" --tls-private-key-file="$PKI/apiserver.key" \
    --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged \
    --kubelet-preferred-address-types=InternalIP --kubelet-certificate-authority="$PKI/ca.crt" \
    --kubelet-client-certificate="$PKI/apiserver-kubelet-client.crt" --kubelet-client-key="$PKI/apiserver-kubelet-client.key" \
    --service-account-issuer=https://kubernetes.default.svc.cluster.local \
    --service-account-key-file="$PKI/service-account.pub" --service-account-signing-key-file="$PKI/service-account.key" \
    --requestheader-client-ca-file="$PKI/front-proxy-ca.crt" --requestheader-allowed-names=front-proxy-client \
    --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group \
    --requestheader-extra-headers-prefix=X-Remote-Extra- \
    --proxy-client-cert-file="$PKI/front-proxy-client.crt" --proxy-client-key-file="$PKI/front-proxy-client.key"
}

start_kube-controller-manager() {
  local kubeconfig=$PKI/kube-controller-manager.kubeconfig
  # The default of 20 requests a second makes a rollout of many pods wait for the client, not for the cluster.
  start kube-controller-manager "$BIN/kube-controller-manager" --leader-elect=false --use-service-account-credentials \
    --kubeconfig="$kubeconfig" --authentication-kubeconfig="$kubeconfig" --authorization-kubeconfig="$kubeconfig" \
    --service-account-private-key-file="$PKI/service-account.key" --root-ca-file="$PKI/ca.crt" \
    --cluster-signing-cert-file="$PKI/ca.crt" --cluster-signing-key-file="$PKI/ca.key" \
    --kube-api-qps=200 --kube-api-burst=400
}

start_kube-scheduler() {
  local kubeconfig=$PKI/kube-scheduler.kubeconfig
  start kube-scheduler "$BIN/kube-scheduler" --leader-elect=false \
    --kubeconfig="$kubeconfig" --authentication-kubeconfig="$kubeconfig" --authorization-kubeconfig="$kubeconfig"
}

start_kubelet() {
  kubelet_config >"$STATE/kubelet$SUFFIX.yaml"
  # Empty: otherwise a pod with dnsPolicy Default, such as CoreDNS, would ask the machine's name servers.
  : >"$STATE/kubelet-resolv.conf"
  start "kubelet$SUFFIX" "$BIN/kubelet" --config="$STATE/kubelet$SUFFIX.yaml" --kubeconfig="$PKI/kubelet$SUFFIX.kubeconfig" \
    --hostname-override="$NODE_NAME" --node-ip="$NODE_ADDRESS" --node-labels="topology.kubernetes.io/zone=$ZONE" --root-dir="$DATA/kubelet$SUFFIX"
}

start_kube-proxy() {
  kube_proxy_config >"$STATE/kube-proxy$SUFFIX.yaml"
  start "kube-proxy$SUFFIX" "$BIN/kube-proxy" --config="$STATE/kube-proxy$SUFFIX.yaml"
}
