# Sourced: the three things asked of an image builder, done by buildah or by a Docker engine.
# shellcheck shell=bash

# A Docker client without an engine to talk to counts as absent.
pick_engine() {
  if [[ -n ${WEFT_IMAGE_ENGINE:-} ]]; then
    ENGINE=$WEFT_IMAGE_ENGINE
  elif ((EUID == 0)) && have buildah; then
    ENGINE=buildah
  elif have docker && timeout 10 docker info >/dev/null 2>&1; then
    ENGINE=docker
  elif ((EUID == 0)); then
    install_packages buildah
    ENGINE=buildah
  else
    die "images are built by a Docker engine, or by buildah as root; neither is there. 'make run-local' needs no image."
  fi
}

# A store of our own: neither the user's images nor the machine's configuration is touched. vfs works on any file system.
buildah_here() {
  STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot buildah --root "$CACHE/images/storage" --runroot "$CACHE/images/run" "$@"
}

image_exists() {
  case $ENGINE in
    buildah) buildah_here inspect --type image "$1" ;;
    docker) docker image inspect "$1" ;;
  esac >/dev/null 2>&1
}

# import_root ROOT.tar NAME: an image of one layer.
import_root() {
  local container
  case $ENGINE in
    buildah)
      container=$(buildah_here from scratch)
      buildah_here add -q "$container" "$1" / >/dev/null
      buildah_here commit -q --rm --timestamp 0 "$container" "$2" >/dev/null
      ;;
    docker) docker import "$1" "$2" >/dev/null ;;
  esac
}

# build_image DOCKERFILE CONTEXT BASE NAME
build_image() {
  case $ENGINE in
    # The same files make the same image whenever it is built.
    buildah) buildah_here bud -q --timestamp 0 --format docker --build-arg "BASE=$3" -f "$1" -t "$4" "$2" ;;
    docker) docker build -q --build-arg "BASE=$3" -f "$1" -t "$4" "$2" ;;
  esac >/dev/null
}

# save_image NAME OUTPUT.tar: as a docker-archive; our store does not keep it beside that.
save_image() {
  rm -f "$2"
  case $ENGINE in
    buildah)
      buildah_here push -q "$1" "docker-archive:$2:$1" >/dev/null
      buildah_here rmi "$1" >/dev/null
      ;;
    docker) docker save -o "$2" "$1" ;;
  esac
}
