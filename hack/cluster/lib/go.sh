# Sourced by `binaries` and by hack/h2spec/build: building a Go program once, with progress.
# shellcheck shell=bash

# Kubernetes 1.34 asks for Go 1.24; from 1.21 on, `go` fetches the toolchain a module asks for by itself.
readonly GO_MINOR_MIN=21

# require_go WHAT INSTEAD: INSTEAD says how to do without.
require_go() {
  have go || die "Go 1.24 or later is needed to build $1, and 'go' is not in PATH.
  Install it, or use what you have: $2"
  local version minor
  version=$(go env GOVERSION)
  minor=${version#go1.}
  minor=${minor%%[!0-9]*}
  ((${minor:-0} >= GO_MINOR_MIN)) || die "Go 1.$GO_MINOR_MIN or later is needed (found $version): older ones cannot fetch the toolchain that $1 asks for."
}

# The version of module $2 in the go.mod of the directory $1.
module_version() {
  awk -v module="$2" '$1 == "require" { $1 = ""; $0 = $0 } $1 == module { print $2; exit }' "$1/go.mod"
}

kubernetes_ldflags() {
  local version=$1 major minor
  IFS=. read -r major minor _ <<<"${version#v}"
  printf -- '-X %s.gitVersion=%s ' k8s.io/component-base/version "$version" k8s.io/client-go/pkg/version "$version"
  printf -- '-X %s.gitMajor=%s -X %s.gitMinor=%s ' k8s.io/component-base/version "$major" k8s.io/component-base/version "$minor"
}

# go_build DIRECTORY PACKAGE OUTPUT LDFLAGS: into a temporary name first, so that a half-written file is never run.
go_build() {
  local directory=$1 package=$2 output=$3 ldflags=$4
  (
    cd "$directory" || exit 1
    CGO_ENABLED=0 GOWORK=off GOFLAGS=-buildvcs=false \
      go build -trimpath -ldflags "-s -w $ldflags" -o "$output.partial" "$package"
  )
  mv "$output.partial" "$output"
}

# with_progress LABEL COMMAND...: a line that says what runs and, every half minute, that it still runs.
with_progress() {
  local label=$1 started log pid status=0 next=30
  shift
  started=$(now_ms)
  log=$(mktemp)
  "$@" >"$log" 2>&1 &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.5
    if (($(now_ms) - started > next * 1000)); then
      say "  $label: still building, $next s"
      next=$((next + 30))
    fi
  done
  wait "$pid" || status=$?
  if ((status == 0)); then
    say "  $label: built in $(seconds_since "$started")"
  else
    tail -n 30 "$log" >&2
  fi
  rm -f "$log"
  return "$status"
}
