"""A kind node image out of what package registries serve: Debian, Go modules. No image registry is asked.

kind's own `kind build node-image` needs base images from one. This does the same with a root file system of
debootstrap, the programs that we compiled, and images of Kubernetes' components, imported into the node's containerd
store under the names that kubeadm asks for. It serves one node: the pod network is a bridge.
"""

import shutil
from pathlib import Path

from local import caches
from local.cluster import archives, component_images, debian, golang, versions
from local.runner import Log

FILES = Path(__file__).parent / "node"

# kind's own list, without what network storage and rootless nodes need, with containerd and runc, which kind compiles.
PACKAGES = (
    *("systemd", "conntrack", "iptables", "nftables", "iproute2", "ethtool", "util-linux", "mount", "kmod"),
    *("libseccomp2", "pigz", "e2fsprogs", "bash", "ca-certificates", "curl", "jq", "procps"),
    *("containerd", "runc", "busybox-static", "ipset"),
)
CONFIG = {
    "Env": [archives.PATH, "container=docker"],
    "Entrypoint": ["/usr/local/bin/entrypoint", "/sbin/init"],
    "StopSignal": "SIGRTMIN+3",
}
"""As kind's Dockerfile ends."""


def root_file_system(log: Log) -> Path:
    """The node's Debian as a tar file, before anything of Kubernetes is in it."""
    return debian.root_file_system(log, versions.DEBIAN_OF_NODE, PACKAGES)


def name() -> str:
    """The image's name; the tag changes with everything that it is made of."""
    return f"keyward/node:{_version()}"


def archive(log: Log) -> Path:
    """The image as a file for `docker load`, built when missing. Needs root."""

    def build(folder: Path) -> None:
        kubernetes, tools = golang.kubernetes_programs(log), golang.tools(log)
        root, components = folder / "root", folder / "components"
        root.mkdir()
        log.run(["tar", "-C", root, "-xf", root_file_system(log)])
        kind_source = golang.module_folder("sigs.k8s.io/kind")
        log.run([FILES / "furnish.sh", root, kind_source, kubernetes, tools, FILES, versions.KUBERNETES])
        sources = component_images.Sources(kubernetes=kubernetes, tools=tools, node=root)
        log.run([FILES / "preload.sh", root, *component_images.write(log, sources, components)])
        shutil.rmtree(components)
        archives.write(folder / "image.tar", root, names=[name()], config=CONFIG)
        shutil.rmtree(root)

    return caches.cached("node-image", _version(), build) / "image.tar"


def _version() -> str:
    code = [Path(__file__).with_name(f"{module}.py") for module in ("node_image", "component_images", "archives")]
    modules = [versions.GO / module for module in ("kubernetes", "tools")]
    pinned = [file for module in modules for pattern in ("go.*", "*.go") for file in module.rglob(pattern)]
    sources = [*FILES.iterdir(), *pinned, *code]
    return f"{versions.KUBERNETES}-{caches.digest(versions.DEBIAN_OF_NODE, *sorted(sources))}"
