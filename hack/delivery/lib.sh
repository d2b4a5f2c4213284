# Sourced by `definitions` and `flagger-build`: the pinned Go modules, and where what is made of them goes.
# shellcheck shell=bash
DELIVERY_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$DELIVERY_DIR/../cluster/lib/common.sh"
source "$DELIVERY_DIR/../cluster/lib/go.sh"

readonly FLAGGER=github.com/fluxcd/flagger
readonly ROLLOUTS=github.com/argoproj/argo-rollouts
readonly LOCK_WAIT_SECONDS=1800

FLAGGER_VERSION=$(module_version "$DELIVERY_DIR" "$FLAGGER")
# The hash makes a changed version or sum a new directory.
OUTPUT=$CACHE/delivery-$(cat "$DELIVERY_DIR"/go.{mod,sum} | sha256sum | cut -c1-8)

go_here() { (cd "$DELIVERY_DIR" && GOWORK=off GOFLAGS=-buildvcs=false go "$@"); }

# The folder of a module's sources, fetched and compared with go.sum by the Go client.
module_directory() {
  # Errors do not end a script by themselves where its caller looks at the status.
  go_here mod download "$1" >&2 || return
  go_here list -m -f '{{.Dir}}' "$1"
}
