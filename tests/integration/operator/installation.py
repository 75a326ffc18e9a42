"""What the chart installs, on a bare control plane: kinds, namespaces, rights and admission policies."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from keyward_api import names
from local.cluster import golang
from local.runner import Log
from tests.integration.operator.control_plane import ControlPlane

PROJECT = Path(__file__).parents[3]
CONTAINER_TOKEN = {"name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": "/token"}
SETTINGS: dict[str, Any] = {
    "clusterDomain": "cluster.local",
    # No webhook runs here: the variable stands for what it injects.
    "agents": {"image": "keyward/agent:test", "env": [CONTAINER_TOKEN]},
    "tenants": [{}, {"namespaceSelector": {"matchLabels": {"custom": "yes"}}, "endpointTypes": ["Custom"]}],
}
CHART_KINDS = {
    *("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "CustomResourceDefinition"),
    *("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"),
}
"""What of the chart is of use without nodes."""


def programs(log_file: Path) -> tuple[Path, Path]:
    """Folders with Kubernetes' programs and with etcd and helm; compiled where the cache lacks them."""
    log = Log("programs", log_file, sys.stderr)
    try:
        return golang.kubernetes_programs(log), golang.tools(log)
    finally:
        log.close()


def chart_objects(tools: Path, **values: Any) -> list[dict[str, Any]]:
    """What the chart renders with these values, else its defaults."""
    helm = shutil.which("helm") or str(tools / "helm")
    command = [helm, "template", "keyward", str(PROJECT / "charts/keyward"), "--namespace", names.SYSTEM_NAMESPACE]
    given = yaml.safe_dump(values)
    rendered = subprocess.run([*command, "--values=-"], input=given, check=True, capture_output=True, text=True).stdout
    return [document for document in yaml.safe_load_all(rendered) if document]


def install(plane: ControlPlane, objects: list[dict[str, Any]]) -> None:
    """Make the CRDs, the namespaces, rights and admission policies, but no operator."""
    for namespace in (names.SYSTEM_NAMESPACE, names.AGENTS_NAMESPACE):
        plane.kubectl("create", "namespace", namespace)
    wanted = [document for document in objects if document["kind"] in CHART_KINDS]
    plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(wanted))
    plane.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
