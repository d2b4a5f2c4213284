# Sourced: what "up" means.
# shellcheck shell=bash

cluster_kubectl() { inside "$BIN/kubectl" --kubeconfig "$ADMIN_KUBECONFIG" --request-timeout=5s "$@"; }

api_ready() { cluster_kubectl get --raw /readyz; }
etcd_listens() { inside bash -c '</dev/tcp/127.0.0.1/2379'; }
containerd_answers() { containerd_client version; }
node_ready() { [[ $(cluster_kubectl get node "$NODE_NAME" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}') == True ]]; }
# Through the Service address, as a pod would: kube-proxy's rules, the pod network and CoreDNS all have to work.
dns_answers() { inside timeout 2 getent ahostsv4 kubernetes.default.svc.cluster.local; }

# Those of the named components (default: all) that are not running.
dead_components() {
  local name
  (($#)) || set -- "${COMPONENTS[@]}"
  for name in "$@"; do running "$name" || printf '%s\n' "$name"; done
}

healthy() { namespaces_exist && [[ -z $(dead_components) ]] && { api_ready && node_ready && dns_answers; } >/dev/null 2>&1; }

# The last lines of each component's log, for when it does not come up.
show_logs() {
  local name
  for name in "$@"; do
    [[ -s $LOGS/$name.log ]] || continue
    say "--- $LOGS/$name.log"
    tail -n 8 "$LOGS/$name.log" >&2
  done
}
