"""The manifests of the test entry point: one database, and one ServiceAccount that may do everything in it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keyward_api.iam import role_arn
from tests.integration.local_services import ACCOUNT

NAMESPACE, DATABASE = "payments", "orders"
DB_USER = "KeyspacesOwner"
SERVICE_ACCOUNT = "suites"
AGENT_ROLE = role_arn(partition="aws", account_id=ACCOUNT, name="keyward-agent")


def write(folder: Path, *, upstream: str, ca: str) -> None:
    """Write them into a folder, one file a resource; `upstream` and its `ca` play Keyspaces."""
    folder.mkdir(parents=True, exist_ok=True)
    for document in documents(upstream=upstream, ca=ca):
        # JSON is YAML.
        folder.joinpath(f"{document['kind'].lower()}.yaml").write_text(json.dumps(document, indent=1))


def documents(*, upstream: str, ca: str) -> Iterator[dict[str, Any]]:
    """The database, the role and the user."""
    yield _resource(
        "KeyspacesDatabase",
        DATABASE,
        {
            "aws": {"accountID": ACCOUNT, "region": "us-east-1"},
            "endpoint": {"type": "Custom", "address": upstream, "serverName": "localhost", "caBundle": ca},
            "agent": {"identity": {"type": "IRSA", "roleARN": AGENT_ROLE}},
        },
    )
    everything = {
        "databases": {"names": [DATABASE]},
        "dbUsers": [DB_USER],
        "keyspaces": ["*"],
        "tables": ["*"],
        "permissions": ["*"],
    }
    yield _resource("KeyspacesRole", "everything", {"allow": [everything], "options": {"allowTracing": True}})
    subject = {"kind": "ServiceAccount", "namespace": NAMESPACE, "name": SERVICE_ACCOUNT}
    yield _resource("KeyspacesUser", "suites", {"subjects": [subject], "roles": ["everything"]})


def _resource(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "keyward.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}
