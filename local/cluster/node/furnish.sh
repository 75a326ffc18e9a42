#!/bin/bash
# Turn a Debian root file system into a kind node: what kind's own images/base/Dockerfile does, from the files of its
# module, without a container runtime.
#
#   furnish.sh ROOT KIND_MODULE KUBERNETES_PROGRAMS TOOLS HERE VERSION
set -euo pipefail
root=$1 kind=$2 kubernetes=$3 tools=$4 here=$5 version=$6

# mode bits as the Dockerfile's COPY --chmod gives them
cp -r --no-preserve=mode "$kind"/images/base/files/{etc,usr,kind} "$root/"
chmod 0755 "$root"/usr/local/bin/* "$root"/kind "$root"/kind/bin "$root"/kind/bin/*

# kind's clean-up of services, taken out of its Dockerfile; the grep fails the build should that change its shape
sed -n '/&& find \/lib\/systemd/,/&& ln -s .*\/sbin\/init/p' "$kind/images/base/Dockerfile" \
  | sed '1s/^ *&& //' >"$root/tmp/clean.sh"
grep -q 'ReadKMsg' "$root/tmp/clean.sh"
chroot "$root" bash -euc '. /tmp/clean.sh'
rm "$root/tmp/clean.sh"
chroot "$root" systemctl enable kubelet.service containerd.service undo-mount-hacks.service 2>/dev/null
chroot "$root" systemctl mask systemd-binfmt.service 2>/dev/null
mkdir -p "$root"/{etc/kubernetes/manifests,opt/cni/bin,etc/cni/net.d,kind/manifests}

# kind's containerd.service runs /usr/local/bin/containerd
for program in containerd ctr containerd-shim-runc-v2; do
  ln -sf "/usr/bin/$program" "$root/usr/local/bin/$program"
done
hook='.hooks.createContainer[.hooks.createContainer|length] |= . + {"path": "/kind/bin/mount-product-files.sh"}'
chroot "$root" ctr oci spec | chroot "$root" jq "$hook | del(.process.rlimits)" >"$root/etc/containerd/cri-base.json"
# a machine without CAP_SYS_RESOURCE cannot write the negative oom_score_adj of pause and the static pods; it is the
# switch that kind's entry point flips for rootless nodes
sed -i 's/restrict_oom_score_adj = false/restrict_oom_score_adj = true/' "$root/etc/containerd/config.toml"

install -m 755 "$kubernetes"/{kubelet,kubeadm,kubectl} "$root/usr/bin/"
install -m 755 "$kubernetes/crictl" "$root/usr/local/bin/"
install -m 755 "$tools"/cni/* "$root/opt/cni/bin/"
# kindnetd is not to be had as a Go module. A single node needs no more than a bridge; its range is the first one
# that kube-controller-manager hands out of kind's pod subnet.
install -m 644 "$here/10-keyward.conflist" "$root/etc/cni/net.d/"
install -m 644 "$here/default-storage.yaml" "$root/kind/manifests/"
printf %s "$version" >"$root/kind/version"
