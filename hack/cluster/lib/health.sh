# Sourced: what "up" means.
# shellcheck shell=bash

cluster_kubectl() { inside "$BIN/kubectl" --kubeconfig "$ADMIN_KUBECONFIG" --request-timeout=5s "$@"; }

api_ready() { cluster_kubectl get --raw /readyz; }
etcd_listens() { inside bash -c '</dev/tcp/127.0.0.1/2379'; }
containerds_answer() { each_node containerd_client version; }
nodes_ready() {
  local want
  want=$(node_numbers | sed 's/.*/True/')
  [[ $(cluster_kubectl get nodes -o 'jsonpath={range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}') == "$want" ]]
}
# Through the Service address, as a pod would: kube-proxy's rules, the pod network and CoreDNS all have to work.
dns_answers() { each_node on_node timeout 2 getent ahostsv4 kubernetes.default.svc.cluster.local; }

# Those of the named components (default: all) that are not running.
dead_components() {
  local name
  # shellcheck disable=SC2046  # names without blanks
  (($#)) || set -- $(components)
  for name in "$@"; do running "$name" || printf '%s\n' "$name"; done
}

healthy() { namespaces_exist && [[ -z $(dead_components) ]] && { api_ready && nodes_ready && dns_answers; } >/dev/null 2>&1; }

# A route of the node is what a cloud's controller would make of it; here it is there already, and the node says so.
name_pod_subnet() { cluster_kubectl patch node "$NODE_NAME" -p "{\"spec\":{\"podCIDR\":\"$POD_SUBNET\",\"podCIDRs\":[\"$POD_SUBNET\"]}}"; }

# The last lines of each component's log, for when it does not come up.
show_logs() {
  local name
  for name in "$@"; do
    [[ -s $LOGS/$name.log ]] || continue
    say "--- $LOGS/$name.log"
    tail -n 8 "$LOGS/$name.log" >&2
  done
}
