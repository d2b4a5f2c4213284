# Sourced: the two images the node itself needs, made from one static program each without any image tool.
# shellcheck shell=bash

architecture() {
  case $(uname -m) in
    x86_64) echo amd64 ;;
    aarch64 | arm64) echo arm64 ;;
    *) die "no local cluster on $(uname -m)" ;;
  esac
}

# image_of PROGRAM NAME OUTPUT.tar: the docker-archive of an image that holds only this program.
image_of() {
  local program=$1 name=$2 output=$3 folder base
  base=$(basename "$program")
  folder=$(mktemp -d)
  tar -C "$(dirname "$program")" --owner=0 --group=0 --numeric-owner --mtime=@0 -cf "$folder/layer.tar" "$base"
  printf '{"architecture":"%s","os":"linux","config":{"Entrypoint":["/%s"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
    "$(architecture)" "$base" "$(sha256sum "$folder/layer.tar" | cut -d' ' -f1)" >"$folder/config.json"
  printf '[{"Config":"config.json","RepoTags":["%s"],"Layers":["layer.tar"]}]' "$name" >"$folder/manifest.json"
  tar -C "$folder" -cf "$output" manifest.json config.json layer.tar
  rm -r "$folder"
}

# Of the node in use.
containerd_client() { inside ctr --address "$CONTAINERD_SOCKET" --namespace k8s.io "$@"; }

# Unpacked at once: the first pod does not wait for it.
import_image() { containerd_client images import "$1" >>"$LOGS/images.log" 2>&1 || die "containerd refuses $1: $(tail -n 3 "$LOGS/images.log")"; }

import_node_images() {
  local folder=$STATE/images
  mkdir -p "$folder"
  image_of "$BIN/pause" "$PAUSE_IMAGE" "$folder/pause.tar"
  image_of "$BIN/coredns" "$COREDNS_IMAGE" "$folder/coredns.tar"
  each_node import_image "$folder/pause.tar"
  # The cluster's DNS is on the first node, beside the control plane.
  import_image "$folder/coredns.tar"
  rm -r "$folder"
}
