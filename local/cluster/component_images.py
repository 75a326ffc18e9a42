"""Images of Kubernetes' components, from our own programs, under the names that kubeadm asks for."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from local.cluster import archives, versions
from local.runner import Command, Log

FILES = Path(__file__).parent / "node"

FILTER_PROGRAMS = ("/usr/sbin/xtables-nft-multi", "/usr/sbin/nft", "/usr/sbin/conntrack", "/usr/sbin/ipset")
"""What changes the kernel's packet filters."""
IPTABLES = tuple(f"{family}{verb}" for family in ("iptables", "ip6tables") for verb in ("", "-save", "-restore"))
"""The names by which xtables-nft-multi knows what it is asked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """Where the parts of the images are."""

    kubernetes: Path
    """Kubernetes' programs."""
    tools: Path
    """etcd and CoreDNS."""
    node: Path
    """The node's root file system, for the programs that kube-proxy runs."""


def write(log: Log, sources: Sources, folder: Path) -> list[Path]:
    """Write one archive per component into `folder`; returns their paths."""
    names = _names(log, sources.kubernetes / "kubeadm")
    written = []
    for component, image in names.items():
        root = folder / component
        root.mkdir(parents=True)
        entry_point = _furnish(log, component, root, sources)
        also = [versions.PAUSE_OF_CONTAINERD] if component == "pause" else []
        written.append(folder / f"{component}.tar")
        archives.write(written[-1], root, names=[image, *also], config={"Entrypoint": [entry_point]})
        shutil.rmtree(root)
    return written


def add_packet_filters(log: Log, node: Path, root: Path) -> None:
    """Give an image's root what kube-proxy and Felix run, from the node's root file system."""
    log.run([FILES / "libraries.sh", node, root, *FILTER_PROGRAMS])
    for name in IPTABLES:
        (root / "usr/sbin" / name).symlink_to("xtables-nft-multi")
    for name in ("tmp", "run", "etc"):
        (root / name).mkdir()


def _names(log: Log, kubeadm: Path) -> dict[str, str]:
    """The images that kubeadm asks for, by component."""
    command: Command = [kubeadm, "config", "images", "list", "--kubernetes-version", versions.KUBERNETES]
    images = [line for line in log.run(command).splitlines() if line.startswith("registry.k8s.io/")]
    return {image.rsplit("/", 1)[1].split(":")[0]: image for image in images}


def _furnish(log: Log, component: str, root: Path, sources: Sources) -> str:
    """Fill the image's root; returns the program to start."""
    programs = root / "usr/local/bin"
    programs.mkdir(parents=True)
    match component:
        case "pause":
            compile_pause: Command = ["gcc", "-Os", "-static", "-s", "-o", root / "pause", FILES / "pause.c"]
            subprocess.run(compile_pause, check=True)
            return "/pause"
        case "coredns":
            shutil.copy2(sources.tools / "coredns", root / "coredns")
            return "/coredns"
        case "etcd":  # kubeadm's tag names an older patch release than the one that is in it
            shutil.copy2(sources.tools / "server", programs / "etcd")
        case "kube-proxy":
            add_packet_filters(log, sources.node, root)
            shutil.copy2(sources.kubernetes / component, programs)
        case _:
            (root / "tmp").mkdir()
            shutil.copy2(sources.kubernetes / component, programs)
    return f"/usr/local/bin/{component}"
