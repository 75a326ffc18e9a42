#!/bin/bash
# Import image archives into the containerd store of a node's root file system, so that no node ever pulls.
#
#   preload.sh ROOT ARCHIVE...
#
# The node's own containerd runs in a chroot for it, without its CRI plug-in. The mounts are in a mount namespace of
# this script alone: they vanish with it, however it ends.
set -euo pipefail
if [ -z "${KEYWARD_UNSHARED:-}" ]; then
  KEYWARD_UNSHARED=1 exec unshare --mount --propagation private "$0" "$@"
fi
root=$1
shift
work=$root/tmp/preload
mkdir -p "$work"
mount --bind /dev "$root/dev"
mount -t proc proc "$root/proc"
cat >"$work/config.toml" <<T
version = 2
root = "/var/lib/containerd"
state = "/tmp/preload/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "/tmp/preload/socket"
T
chroot "$root" /usr/bin/containerd -c /tmp/preload/config.toml &
containerd=$!
trap 'kill $containerd 2>/dev/null || true' EXIT
ctr=(chroot "$root" ctr --address /tmp/preload/socket --namespace k8s.io)
deadline=$((SECONDS + 30))
until "${ctr[@]}" version >/dev/null 2>&1; do
  ((SECONDS < deadline)) || { echo "containerd did not answer within 30 s" >&2; exit 1; }
  sleep 0.1
done
for archive in "$@"; do
  "${ctr[@]}" images import --all-platforms --no-unpack --digests - <"$archive"
done
"${ctr[@]}" images ls -q
kill $containerd
wait $containerd || true
trap - EXIT
umount "$root/dev" "$root/proc"
rm -r "$work"
