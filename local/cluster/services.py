"""How pods reach the AWS of this machine: Services without selectors, and names of AWS that lead to them.

Local AWS and local Keyspaces listen on the gateway address of the cluster's network. The Services `aws` and
`keyspaces` in the namespace `keyward-local` point there by EndpointSlices, so that pods use names that the servers'
certificates carry.
"""

from collections.abc import Callable
from pathlib import Path

import yaml

from local.certificates import REGION
from local.cluster import corefile, kind
from local.runner import Log

NAMESPACE = "keyward-local"
AWS_PORT = 443
KEYSPACES_PORT = 9142
STS = f"sts.{REGION}.amazonaws.com"
AWS_SERVICE = f"aws.{NAMESPACE}.svc.cluster.local"


def publish(log: Log, kubeconfig: Path, gateway: str, aws_port: int, keyspaces_port: int) -> None:
    """Make the two Services lead to these ports of the address `gateway`."""
    documents = manifests(gateway, aws_port, keyspaces_port)
    kind.kubectl(log, kubeconfig, "apply", "--filename=-", stdin=yaml.safe_dump_all(documents))


def manifests(gateway: str, aws_port: int, keyspaces_port: int) -> list[dict[str, object]]:
    """The namespace, and a Service with its EndpointSlice for each server."""
    namespace: dict[str, object] = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    aws = _service("aws", AWS_PORT, gateway, aws_port)
    return [namespace, *aws, *_service("keyspaces", KEYSPACES_PORT, gateway, keyspaces_port)]


def _service(name: str, port: int, address: str, target: int) -> list[dict[str, object]]:
    """EndpointSlices belong to a Service by label; their ports match its ports by name."""
    metadata = {"name": name, "namespace": NAMESPACE}
    labels = {"kubernetes.io/service-name": name, "endpointslice.kubernetes.io/managed-by": "keyward.dev"}
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"ports": [{"name": "tls", "port": port, "targetPort": target}]},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**metadata, "labels": labels},
            "addressType": "IPv4",
            "ports": [{"name": "tls", "port": target, "protocol": "TCP"}],
            "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        },
    ]


def rewrite_sts(log: Log, kubeconfig: Path) -> None:
    """Make the cluster's DNS answer for AWS's regional STS name with local AWS."""
    _edit_corefile(log, kubeconfig, lambda text: corefile.with_rewrite(text, STS, AWS_SERVICE))


def restore_sts(log: Log, kubeconfig: Path) -> None:
    """Undo `rewrite_sts`."""
    _edit_corefile(log, kubeconfig, lambda text: corefile.without_rewrite(text, STS))


def _edit_corefile(log: Log, kubeconfig: Path, edit: Callable[[str], str]) -> None:
    """Change CoreDNS's configuration and wait until no instance runs with the old one."""
    system = "--namespace=kube-system"
    found = kind.kubectl(log, kubeconfig, system, "get", "configmap", "coredns", "--output=yaml")
    config_map = yaml.safe_load(found)
    before = config_map["data"]["Corefile"]
    after = edit(before)
    if after == before:
        return
    config_map["data"]["Corefile"] = after
    kind.kubectl(log, kubeconfig, "replace", "--filename=-", stdin=yaml.safe_dump(config_map))
    # CoreDNS reloads by itself, but only minutes later: the kubelet renews the file, then CoreDNS looks at it. New
    # pods have the new file at once; the old ones answer for some seconds more, while they end.
    old = kind.kubectl(log, kubeconfig, system, "get", "pods", "--selector=k8s-app=kube-dns", "--output=name").split()
    kind.kubectl(log, kubeconfig, system, "rollout", "restart", "deployment/coredns")
    kind.kubectl(log, kubeconfig, system, "rollout", "status", "deployment/coredns", "--timeout=120s")
    kind.kubectl(log, kubeconfig, system, "wait", "--for=delete", *old, "--timeout=120s")
