# Sourced by `definitions` and `conformance/build`: the pinned Go module, and where what is made of it goes.
# shellcheck shell=bash
GATEWAY_API_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$GATEWAY_API_DIR/../cluster/lib/common.sh"
source "$GATEWAY_API_DIR/../cluster/lib/go.sh"

readonly MODULE=sigs.k8s.io/gateway-api
readonly LOCK_WAIT_SECONDS=1800

VERSION=$(module_version "$GATEWAY_API_DIR" "$MODULE")
# The hash makes a changed dependency or source a new directory; the version is for the reader.
OUTPUT=$CACHE/gateway-api-${VERSION}_$(cat "$GATEWAY_API_DIR"/go.{mod,sum} "$GATEWAY_API_DIR"/conformance/*.go | sha256sum | cut -c1-8)

go_here() { (cd "$GATEWAY_API_DIR" && GOWORK=off GOFLAGS=-buildvcs=false go "$@"); }

# The folder of the module's sources, fetched and compared with go.sum by the Go client.
module_directory() {
  # Errors do not end a script by themselves where its caller looks at the status.
  go_here mod download "$MODULE" >&2 || return
  go_here list -m -f '{{.Dir}}' "$MODULE"
}
