# Sourced: programs of the operating system that a node needs; installed by apt where we may, named otherwise.
# shellcheck shell=bash

# "command package" for Debian and its descendants.
readonly PREREQUISITES="containerd containerd
ctr containerd
runc runc
nft nftables
ip iproute2
nsenter util-linux
flock util-linux
sysctl procps
openssl openssl
tcpdump tcpdump"

cni_plugins() {
  local folder
  for folder in "${CNI_PLUGINS:-}" /usr/lib/cni /opt/cni/bin /usr/libexec/cni; do
    if [[ -n $folder && -x $folder/ptp && -x $folder/host-local && -x $folder/loopback ]]; then
      printf '%s\n' "$folder"
      return
    fi
  done
  return 1
}

missing_packages() {
  local command package
  while read -r command package; do
    have "$command" || printf '%s\n' "$package"
  done <<<"$PREREQUISITES"
  cni_plugins >/dev/null || echo containernetworking-plugins
}

# install_packages PACKAGE...: by apt as root, otherwise says what is missing.
install_packages() {
  if ((EUID != 0)) || ! have apt-get; then
    die "missing: $*. These are Debian's package names; install them, or name a cluster that you have with KUBECONFIG."
  fi
  say "installing Debian packages: $*"
  export DEBIAN_FRONTEND=noninteractive
  local log
  log=$(mktemp)
  apt-get install -qy --no-install-recommends "$@" >"$log" 2>&1 9>&- ||
    { apt-get update -q >"$log" 2>&1 9>&- && apt-get install -qy --no-install-recommends "$@" >>"$log" 2>&1 9>&-; } ||
    { tail -n 20 "$log" >&2; die "apt-get could not install $*"; }
  rm -f "$log"
}

require_prerequisites() {
  local packages
  mapfile -t packages < <(missing_packages | sort -u)
  ((${#packages[@]} == 0)) || install_packages "${packages[@]}"
  CNI_PLUGINS=$(cni_plugins) || die "no CNI plugins (ptp, host-local, loopback) found; set CNI_PLUGINS to their folder"
}
