# Sourced: the base of all images: a C library, what Node and Bun link to, and nft. No shell, no package manager.
# shellcheck shell=bash

readonly BASE_PACKAGES=libc6,libstdc++6,libgcc-s1,libatomic1,nftables

# Prints the name of the base image, making it when it is not there yet.
base_image() {
  local suite name root
  suite=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
  name=localhost/weft-base:$(printf '%s' "$suite $BASE_PACKAGES $(sha256sum "$IMAGES_DIR/base.Dockerfile" "$IMAGES_DIR/lib/base.sh")" | sha256sum | cut -c1-12)
  if ! image_exists "$name"; then
    if ((EUID == 0)) && [[ -n $suite ]] && { have mmdebstrap || have apt-get; }; then
      have mmdebstrap || install_packages mmdebstrap
      root=$CACHE/images/root.tar
      say "  base: making a root file system from packages ($BASE_PACKAGES)"
      make_root "$suite" "$root"
      import_root "$root" "$name"
      rm "$root"
    else
      say "  base: building it on Debian's public image"
      build_image "$IMAGES_DIR/base.Dockerfile" "$IMAGES_DIR" none "$name"
    fi
  fi
  printf '%s\n' "$name"
}

make_root() {
  local log
  log=$(mktemp)
  # "extract" unpacks the packages and their dependencies without running anything of them.
  # shellcheck disable=SC2016
  mmdebstrap --variant=extract --include="$BASE_PACKAGES" --format=tar \
    --customize-hook='rm -rf "$1"/usr/share/{doc,man,locale,lintian,bug} "$1"/var/{cache,lib}/apt "$1"/usr/lib/*/gconv' \
    "$1" "$2" >"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    die "mmdebstrap could not make the base from Debian packages"
  }
  rm -f "$log"
}
