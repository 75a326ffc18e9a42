"""Keyward in the local cluster: the chart, with the settings that a platform would write for its own endpoints.

The agents learn of local AWS as they would of any private STS endpoint: by the chart's `agents.env` and
`agents.caBundle`. No code of the product knows that it is local.
"""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from keyward_api.names import SYSTEM_NAMESPACE
from local.cluster import servers

PROJECT = Path(__file__).resolve().parent.parent
CHART = PROJECT / "charts" / "keyward"
RELEASE = "keyward"

ACCOUNT = "111122223333"
REGION = "us-east-1"
STS_ENDPOINT = "https://aws.keyward-local.svc"
IAM_ENDPOINT = STS_ENDPOINT
AGENT_ROLE_PATTERN = f"arn:aws:iam::{ACCOUNT}:role/keyward-*"

AGENT_PORTS = (443, 6443, servers.AWS_PORT, servers.KEYSPACES_PORT)
"""What agents may connect to. A NetworkPolicy counts once a Service's address and port have been replaced by those of
an endpoint: https://aws.keyward-local.svc is the port of local AWS by then."""

CLUSTER_NAME = "local"
OPERATOR_ROLE = "system-keyward-operator"
"""The operator's own IAM role, where it has one; no role that agents could run as."""

BOUNDARY = "keyward-boundary"
"""The policy that bounds every role which the operator makes."""

LOCAL_TENANT_LABEL = "keyward.dev/local"
"""Namespaces with this label (value `true`) may use `Custom` endpoints. Tenants cannot label their own namespace."""


class InstallError(Exception):
    """helm did not do its work; the message is what helm said."""


def values(*, ca_bundle: str, sts_endpoint: str | None = STS_ENDPOINT) -> dict[str, Any]:
    """The chart's values for the local cluster; `sts_endpoint` None leaves boto3 to derive the endpoint."""
    return {
        "agents": {
            "caBundle": ca_bundle,
            "env": [] if sts_endpoint is None else [{"name": "AWS_ENDPOINT_URL_STS", "value": sts_endpoint}],
            "networkPolicy": {"egressPorts": list(AGENT_PORTS)},
        },
        # So short that a test can wait for it.
        "certificateAuthorities": {"overlapSeconds": 20},
        "tenants": [
            {"namespaceSelector": {}, "agentRoleARNs": [AGENT_ROLE_PATTERN]},
            {
                "namespaceSelector": {"matchLabels": {LOCAL_TENANT_LABEL: "true"}},
                "accounts": [ACCOUNT],
                "regions": [REGION],
                "endpointTypes": ["Custom"],
                "agentRoleARNs": [AGENT_ROLE_PATTERN],
            },
        ],
    }


def values_with_iam(*, ca_bundle: str) -> dict[str, Any]:
    """The same with an IAM role for the operator, which makes roles for the namespaces that may use local Keyspaces."""
    chart = values(ca_bundle=ca_bundle)
    everybody, local = chart["tenants"]
    made = f"arn:aws:iam::{ACCOUNT}:role/keyward/{CLUSTER_NAME}/*"
    local = local | {
        "agentRoleARNs": [AGENT_ROLE_PATTERN, made],
        "keyspaces": ["e2e_*", "shop"],
        "iam": {"mode": "Manage", "permissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/{BOUNDARY}"},
    }
    role = {"eks.amazonaws.com/role-arn": f"arn:aws:iam::{ACCOUNT}:role/{OPERATOR_ROLE}"}
    endpoints = {"AWS_ENDPOINT_URL_IAM": IAM_ENDPOINT, "AWS_ENDPOINT_URL_STS": STS_ENDPOINT}
    return chart | {
        "clusterName": CLUSTER_NAME,
        "tenants": [everybody, local],
        "serviceAccount": {"annotations": role},
        "networkPolicy": {"egressPorts": [443, 6443, servers.AWS_PORT]},
        "extraEnv": [{"name": name, "value": url} for name, url in endpoints.items()],
    }


def install(
    *, helm: Path, kubeconfig: Path, chart_values: Mapping[str, Any], chart: Path = CHART, timeout: str = "180s"
) -> None:
    """Install or upgrade the chart, and wait until the operator is ready."""
    arguments = ["upgrade", "--install", RELEASE, str(chart), "--create-namespace", "--values", "-"]
    _helm(helm, kubeconfig, [*arguments, "--wait", "--timeout", timeout], stdin=yaml.safe_dump(dict(chart_values)))


def uninstall(*, helm: Path, kubeconfig: Path, timeout: str = "120s") -> None:
    """Remove the release; nothing where there is none."""
    _helm(helm, kubeconfig, ["uninstall", RELEASE, "--ignore-not-found", "--wait", "--timeout", timeout])


def run_tests(*, helm: Path, kubeconfig: Path, timeout: str = "120s") -> None:
    """Run `helm test`. Raises InstallError where the release is not in order."""
    _helm(helm, kubeconfig, ["test", RELEASE, "--timeout", timeout])


def _helm(helm: Path, kubeconfig: Path, arguments: Sequence[str], stdin: str = "") -> None:
    command = [str(helm), "--kubeconfig", str(kubeconfig), "--namespace", SYSTEM_NAMESPACE, *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True)
    if done.returncode != 0:
        raise InstallError(f"helm {arguments[0]} failed: {done.stderr.strip() or done.stdout.strip()}")
