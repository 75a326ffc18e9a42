"""The versions of everything that the cluster is made of.

Go modules are pinned by `go/*/go.mod` (with their checksums in `go.sum`), which is where Go itself reads them, so
they are read from there. All else is named here.
"""

import re
from pathlib import Path

GO = Path(__file__).parent / "go"

DEBIAN_OF_NODE = "bookworm"
"""kind's own image is newer, but systemd 256 and later do not boot on cgroup v1; this one's is 252."""
DEBIAN_OF_IMAGES = "trixie"
"""The base that python:3.13-slim has too: Python 3.13."""
PYTHON = "3.13"
PAUSE_OF_CONTAINERD = "registry.k8s.io/pause:3.10"
"""What kind's containerd configuration names; kubeadm names a newer one. Ours is tagged with both."""


def go_module(path: str, module: str = "tools") -> str:
    """The version of a Go module as `go/<module>/go.mod` requires it, for example `v1.35.4`."""
    text = (GO / module / "go.mod").read_text()
    found = re.search(rf"^(?:require)?\s+{re.escape(path)} (v\S+)", text, re.MULTILINE)
    if found is None:
        raise LookupError(f"go/{module}/go.mod does not require {path}")
    return found[1]


KUBERNETES = go_module("k8s.io/kubernetes", "kubernetes")
"""1.35 is the last release that takes Debian bookworm's containerd 1.6."""
COREDNS = go_module("github.com/coredns/coredns")
ETCD = go_module("go.etcd.io/etcd/server/v3")
HELM = go_module("helm.sh/helm/v4")
KIND = go_module("sigs.k8s.io/kind")
CALICO = go_module("github.com/projectcalico/calico", "calico")
"""A commit of the branch of release 3.29: to Go the releases, v3.x, are no versions of this module."""
CERT_MANAGER = go_module("github.com/cert-manager/cert-manager", "cert-manager")
WEBHOOK = go_module("github.com/aws/amazon-eks-pod-identity-webhook")
