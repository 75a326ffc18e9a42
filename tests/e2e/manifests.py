"""The manifests that the tests apply: Keyward's kinds as a user writes them, and client pods."""

from collections.abc import Mapping, Sequence
from typing import Any

from keyward_api.names import API_VERSION, client_ca_name, token_audience
from local import images
from local.install import ACCOUNT, REGION
from tests.e2e.kube import Object

CQLSH_IMAGE = images.name("cqlsh")
KEYSPACES_NAME = "keyspaces.keyward-local.svc"


def agent_role_arn(name: str) -> str:
    """ARN of an agents' role that the local platform's settings permit."""
    return f"arn:aws:iam::{ACCOUNT}:role/keyward-agent-{name}"


def _keyward(kind: str, name: str, namespace: str, spec: Mapping[str, Any]) -> Object:
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": dict(spec),
    }


def database(name: str, namespace: str, *, endpoint: Mapping[str, Any], role_arn: str, replicas: int = 1) -> Object:
    """A KeyspacesDatabase of the local account."""
    spec = {
        "aws": {"accountID": ACCOUNT, "region": REGION},
        "endpoint": dict(endpoint),
        "agent": {"replicas": replicas, "identity": {"type": "IRSA", "roleARN": role_arn}},
    }
    return _keyward("KeyspacesDatabase", name, namespace, spec)


def managed_database(name: str, namespace: str, *, endpoint: Mapping[str, Any], replicas: int = 1) -> Object:
    """A KeyspacesDatabase whose agents' own IAM role the operator makes."""
    resource = database(name, namespace, endpoint=endpoint, role_arn="", replicas=replicas)
    resource["spec"]["agent"]["identity"] = {"type": "IRSA", "management": "Manage"}
    return resource


def iam_role(name: str, namespace: str, *, role_name: str, **spec: object) -> Object:
    """A KeyspacesIAMRole of the local account; `spec` has its other fields."""
    return _keyward("KeyspacesIAMRole", name, namespace, {"roleName": role_name, "accountID": ACCOUNT, **spec})


def custom_endpoint(ca_bundle: str) -> Object:
    """Local Keyspaces."""
    return {"type": "Custom", "address": KEYSPACES_NAME, "caBundle": ca_bundle}


def rule(
    *,
    db_users: Sequence[str],
    keyspaces: Sequence[str] = ("shop",),
    tables: Sequence[str] = ("items",),
    permissions: Sequence[str] = ("Select",),
    databases: Sequence[str] = ("*",),
) -> Object:
    """A rule of a KeyspacesRole."""
    return {
        "databases": {"names": list(databases)},
        "dbUsers": list(db_users),
        "keyspaces": list(keyspaces),
        "tables": list(tables),
        "permissions": list(permissions),
    }


def role(
    name: str, namespace: str, *, allow: Sequence[Object] = (), deny: Sequence[Object] = (), **options: object
) -> Object:
    """A KeyspacesRole."""
    spec = {"allow": list(allow), "deny": list(deny), "options": options}
    return _keyward("KeyspacesRole", name, namespace, spec)


def service_account_subject(name: str, namespace: str) -> Object:
    """A subject of a KeyspacesUser."""
    return {"kind": "ServiceAccount", "name": name, "namespace": namespace}


def user(name: str, namespace: str, *, subjects: Sequence[Object], roles: Sequence[str], **spec: object) -> Object:
    """A KeyspacesUser; `spec` has its other fields."""
    return _keyward("KeyspacesUser", name, namespace, {"subjects": list(subjects), "roles": list(roles), **spec})


def lock(name: str, namespace: str, *, target: Object, **spec: object) -> Object:
    """A KeyspacesLock; `spec` has its other fields."""
    return _keyward("KeyspacesLock", name, namespace, {"target": target, **spec})


def service_account(name: str, namespace: str) -> Object:
    """A ServiceAccount."""
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}}


def client_pod(name: str, namespace: str, *, account: str, database: str, token_seconds: int = 3600) -> Object:
    """A pod as the README writes it: a projected token for this database, its CA, and cqlsh."""
    projected = {"audience": token_audience(namespace=namespace, database=database), "path": "token"}
    container = {
        "name": "cqlsh",
        "image": CQLSH_IMAGE,
        "imagePullPolicy": "Never",
        "command": ["sleep", "infinity"],
        "resources": {"limits": {"memory": "256Mi"}},
        "env": [{"name": "CQLSH_HOST", "value": f"keyward-{database}.{namespace}.svc"}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "token", "mountPath": "/var/run/secrets/keyward.dev", "readOnly": True},
            {"name": "ca", "mountPath": "/etc/keyward", "readOnly": True},
        ],
    }
    token = {"serviceAccountToken": projected | {"expirationSeconds": token_seconds}}
    spec = {
        "serviceAccountName": account,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 0,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "fsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [
            {"name": "token", "projected": {"sources": [token]}},
            {"name": "ca", "configMap": {"name": client_ca_name(database)}},
        ],
    }
    metadata = {"name": name, "namespace": namespace, "labels": {"app": "client"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
