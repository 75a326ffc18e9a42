"""kind: the cluster `keyward`, its kubeconfig in the state folder (never in ~/.kube), images for it."""

from pathlib import Path

import yaml

from local.cluster import docker, golang
from local.runner import Command, Log

CLUSTER = "keyward"
NETWORK = "kind"
NODE = f"{CLUSTER}-control-plane"
SYNC_FREQUENCY = "5s"
"""How often the kubelet brings changed ConfigMaps to pods; by itself once a minute, which is long to wait for."""


def config(*, image: str | None, own_image: bool, cgroup_v1: bool) -> str:
    """kind's configuration file.

    `image` is the node image, None for the one that this release of kind names itself. An image of our own brings its
    pod network with it, so kind must not install another. The kubelet of 1.35 and later refuses cgroup v1 unless told.
    """
    node = {"role": "control-plane", **({} if image is None else {"image": image})}
    document: dict[str, object] = {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "name": CLUSTER,
        "networking": {"ipFamily": "ipv4", **({"disableDefaultCNI": True} if own_image else {})},
        "nodes": [node],
    }
    kubelet = {"kind": "KubeletConfiguration", "syncFrequency": SYNC_FREQUENCY}
    document["kubeadmConfigPatches"] = [yaml.safe_dump(kubelet | ({"failCgroupV1": False} if cgroup_v1 else {}))]
    return yaml.safe_dump(document, sort_keys=False)


def exists() -> bool:
    """Whether the cluster's node is there, running or not."""
    return docker.succeeds("container", "inspect", NODE)


def create(log: Log, configuration: str, kubeconfig: Path) -> None:
    """Make the cluster unless it is there, and wait until its node and its DNS are ready."""
    if not exists():
        make: Command = [program(log), "create", "cluster", "--config", "-", "--kubeconfig", kubeconfig]
        log.run([*make, "--wait", "120s"], stdin=configuration, environment={"KUBECONFIG": str(kubeconfig)})
    else:
        log.run(["docker", "start", NODE])
        export: Command = [program(log), "export", "kubeconfig", "--name", CLUSTER, "--kubeconfig", kubeconfig]
        log.run(export)
    kubectl(log, kubeconfig, "wait", "--for=condition=Ready", "node", "--all", "--timeout=120s")
    kubectl(log, kubeconfig, "--namespace=kube-system", "rollout", "status", "deployment/coredns", "--timeout=120s")


def delete(log: Log) -> None:
    """Remove the cluster, and the network unless another kind cluster is on it; nothing where there is none."""
    if exists():
        log.run(["docker", "rm", "--force", "--volumes", NODE])
    if docker.succeeds("network", "inspect", NETWORK) and not docker.containers_of(NETWORK):
        log.run(["docker", "network", "rm", NETWORK])


def load(log: Log, *images: str) -> None:
    """Load images that the docker daemon holds into the cluster's node."""
    log.run([program(log), "load", "docker-image", "--name", CLUSTER, *images])


def load_archive(log: Log, archive: Path) -> None:
    """Load an image from a file into the cluster's node."""
    log.run([program(log), "load", "image-archive", "--name", CLUSTER, archive])


def gateway() -> str:
    """The address at which pods reach this machine."""
    return docker.network_gateway(NETWORK)


def program(log: Log) -> Path:
    """The kind command."""
    return golang.tools(log) / "kind"


def kubectl(log: Log, kubeconfig: Path, *arguments: str, stdin: str | None = None) -> str:
    """Run the kubectl beside the kubeconfig on the cluster; returns its output."""
    folder = kubeconfig.parent
    command: Command = [folder / "bin" / "kubectl", "--kubeconfig", kubeconfig, *arguments]
    return log.run(command, stdin=stdin, environment={"KUBECACHEDIR": str(folder / "kubectl-cache")})
