# Sourced by up, down, load, restart and status: everything.
# shellcheck shell=bash
# shellcheck source-path=SCRIPTDIR

LIB=$(dirname "${BASH_SOURCE[0]}")
source "$LIB/common.sh"
source "$LIB/state.sh"
source "$LIB/namespaces.sh"
source "$LIB/cgroup.sh"
source "$LIB/process.sh"
source "$LIB/prerequisites.sh"
source "$LIB/config.sh"
source "$LIB/components.sh"
source "$LIB/images.sh"
source "$LIB/health.sh"
source "$LIB/teardown.sh"

PAUSE_IMAGE=localhost/weft-cluster/pause:1
COREDNS_IMAGE=localhost/weft-cluster/coredns:1

# Where the programs of the running cluster are: noted by `up`, so that the other verbs need not look.
recorded_binaries() { cat "$STATE/binaries" 2>/dev/null; }
