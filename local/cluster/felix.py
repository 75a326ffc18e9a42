"""What enforces NetworkPolicies, as Kubernetes' objects and as the CNI plug-in's configuration.

Felix is the part of Calico that turns policies into rules of iptables and sets of addresses, on each node. It works on
interfaces whose names begin with `cali`, which Calico's CNI plug-in makes. Nothing else of Calico runs: addresses come
from the node's range by host-local, and with one node there are no routes between nodes.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from local.cluster import kind, versions

Object = dict[str, Any]

NAME = "calico-felix"
NAMESPACE = "kube-system"
IMAGE = f"docker.io/keyward/{NAME}:{versions.CALICO}"
ACCOUNT = "calico-node"
"""The ServiceAccount of Calico's own manifests, with its rights."""
INTERFACES = "cali"
"""What the names of the pods' interfaces on the node begin with."""

_POD_SUBNET = "10.244.0.0/16"
"""kind's default."""
_GROUP = "crd.projectcalico.org/v1"
_HEALTH_PORT = 9099
_ENVIRONMENT = {
    "FELIX_DATASTORETYPE": "kubernetes",
    "FELIX_IPV6SUPPORT": "false",
    # What a pod's own policy lets out to its node arrives there.
    "FELIX_DEFAULTENDPOINTTOHOSTACTION": "ACCEPT",
    # The kind of iptables that kube-proxy uses in a kind node.
    "FELIX_IPTABLESBACKEND": "NFT",
    "FELIX_LOGSEVERITYSCREEN": "Info",
    "FELIX_LOGFILEPATH": "none",
    "FELIX_LOGSEVERITYFILE": "none",
    "FELIX_LOGSEVERITYSYS": "none",
    "FELIX_HEALTHENABLED": "true",
    "FELIX_USAGEREPORTINGENABLED": "false",
}
_HOST_PATHS = {
    "/run/xtables.lock": "FileOrCreate",  # kube-proxy changes the same tables
    "/var/lib/calico": "DirectoryOrCreate",
}


def network_configuration() -> str:
    """The node's CNI configuration list: Calico's interfaces with addresses of the node's range."""
    calico = {
        "type": "calico",
        "log_level": "info",
        "datastore_type": "kubernetes",
        "nodename": kind.NODE,
        "nodename_file_optional": True,
        "ipam": {"type": "host-local", "subnet": "usePodCidr"},
        "policy": {"type": "k8s"},
        # The plug-in runs on the node as root, which may read this file anyway.
        "kubernetes": {"kubeconfig": "/etc/kubernetes/admin.conf"},
    }
    portmap = {"type": "portmap", "snat": True, "capabilities": {"portMappings": True}}
    return json.dumps({"name": "k8s-pod-network", "cniVersion": "0.3.1", "plugins": [calico, portmap]}, indent=1)


def rights(documents: Iterable[Object | None]) -> list[Object]:
    """Felix's ServiceAccount and its rights, out of the documents of Calico's own manifest.

    Raises LookupError where one of the three is missing, as another version of Calico may have it.
    """
    kinds = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding")
    found = [d for d in documents if d and d["kind"] in kinds and d["metadata"]["name"] == ACCOUNT]
    if missing := set(kinds) - {document["kind"] for document in found}:
        raise LookupError(f"Calico's manifest has no {', '.join(sorted(missing))} named {ACCOUNT}")
    return found


def settings() -> list[Object]:
    """What Felix waits for before it starts: that the store is ready, and which addresses are pods'."""
    information = {
        "datastoreReady": True,
        "clusterGUID": "0" * 32,  # asked for, and of no use to one cluster
        "clusterType": "k8s,kdd",
    }
    pool = {"cidr": _POD_SUBNET, "natOutgoing": True, "ipipMode": "Never", "vxlanMode": "Never"}
    return [_setting("ClusterInformation", information), _setting("IPPool", pool)]


def _setting(kind: str, spec: Mapping[str, object]) -> Object:
    return {"apiVersion": _GROUP, "kind": kind, "metadata": {"name": "default"}, "spec": dict(spec)}


def daemon_set() -> Object:
    """Felix on each node."""
    labels = {"k8s-app": NAME}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": _pod()},
        },
    }


def _pod() -> Object:
    paths = [(f"host{number}", path) for number, path in enumerate(_HOST_PATHS)]
    return {
        "hostNetwork": True,
        "serviceAccountName": ACCOUNT,
        "priorityClassName": "system-node-critical",
        "tolerations": [{"operator": "Exists"}],
        "containers": [_container([{"name": name, "mountPath": path} for name, path in paths])],
        "volumes": [{"name": name, "hostPath": {"path": path, "type": _HOST_PATHS[path]}} for name, path in paths],
    }


def _container(mounts: Sequence[Object]) -> Object:
    node = {"name": "FELIX_FELIXHOSTNAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}
    return {
        "name": "felix",
        "image": IMAGE,
        "imagePullPolicy": "Never",
        # It writes the kernel's settings under /proc/sys besides its tables.
        "securityContext": {"privileged": True},
        "env": [node, *({"name": name, "value": value} for name, value in _ENVIRONMENT.items())],
        "readinessProbe": {
            "httpGet": {"host": "localhost", "path": "/readiness", "port": _HEALTH_PORT},
            "periodSeconds": 2,
        },
        "volumeMounts": list(mounts),
    }


def unpoliced(pods: Iterable[Object], routes: Iterable[Mapping[str, object]]) -> list[str]:
    """Namespace and name of each running pod that has an address and no interface that Felix works on.

    `pods` are objects of the API server, `routes` what `ip -json route` prints on the node.
    """
    policed = {str(route["dst"]) for route in routes if str(route.get("dev", "")).startswith(INTERFACES)}
    return [
        f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        for pod in pods
        if not pod["spec"].get("hostNetwork")
        and "deletionTimestamp" not in pod["metadata"]
        and pod["status"].get("phase") == "Running"
        and pod["status"].get("podIP") not in policed
    ]
