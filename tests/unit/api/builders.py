"""Resources for tests, as the API server would return them: only what differs is said by a test."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from keyward_api.compiler import Compilation, compile_policy
from keyward_api.decision import PolicyView
from keyward_api.identities import CallerIdentity
from keyward_api.resources.database import KeyspacesDatabase

ACCOUNT = "111122223333"
CLUSTER_UID = "c1u57e2"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
IAM_PATH = "/keyward/blue/payments/"
"""Where the operator makes roles."""

AGENT_ROLE = f"arn:aws:iam::{ACCOUNT}:role/keyward-orders"


def database_document(**spec: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "name": "orders",
            "namespace": "payments",
            "uid": "u-1",
            "generation": 1,
            "labels": {"tier": "gold"},
        },
        "spec": {
            "aws": {"accountID": ACCOUNT, "region": "eu-central-1"},
            "agent": {"identity": {"roleARN": AGENT_ROLE}},
            **spec,
        },
    }


def database(**spec: Any) -> KeyspacesDatabase:
    return KeyspacesDatabase.model_validate(database_document(**spec))


def rule(**changes: Any) -> dict[str, Any]:
    return {
        "databases": {"names": ["orders"]},
        "dbUsers": ["Reader"],
        "keyspaces": ["shop"],
        "tables": ["items"],
        "permissions": ["Select"],
        **changes,
    }


def role(
    name: str = "reader", *, allow: list[dict[str, Any]] | None = None, deny: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "payments"},
        "spec": {"allow": [rule()] if allow is None else allow, "deny": deny or []},
    }


def service_account(name: str = "web", namespace: str = "payments") -> dict[str, Any]:
    return {"kind": "ServiceAccount", "name": name, "namespace": namespace}


def user(
    name: str = "web", *, subjects: list[dict[str, Any]] | None = None, roles: list[str] | None = None, **spec: Any
) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "payments"},
        "spec": {"subjects": subjects or [service_account()], "roles": roles or ["reader"], **spec},
    }


def lock(name: str = "incident", *, target: object = None, **spec: Any) -> dict[str, Any]:
    target = {"database": "orders"} if target is None else target
    return {"metadata": {"name": name, "namespace": "payments"}, "spec": {"target": target, **spec}}


def iam_role(
    role_name: str = "Reader", *, arn: str | None = None, deleted: bool = False, **spec: Any
) -> dict[str, Any]:
    """A KeyspacesIAMRole, named as its role in small letters."""
    metadata = {"name": role_name.lower(), "namespace": "payments"}
    if deleted:
        metadata["deletionTimestamp"] = "2026-11-23T11:59:00Z"
    status = {"arn": arn} if arn else {}
    return {"metadata": metadata, "spec": {"roleName": role_name, "accountID": ACCOUNT, **spec}, "status": status}


def identity(name: str = "web", namespace: str = "payments", *, groups: tuple[str, ...] = ()) -> CallerIdentity:
    return CallerIdentity(namespace=namespace, name=name, uid="sa-1", groups=frozenset(groups))


def compiled(
    *,
    roles: list[dict[str, Any]] | None = None,
    users: list[dict[str, Any]] | None = None,
    locks: Sequence[dict[str, Any]] = (),
    iam_roles: Sequence[dict[str, Any]] = (),
    of: KeyspacesDatabase | None = None,
) -> Compilation:
    return compile_policy(
        database=of or database(),
        roles=[role()] if roles is None else roles,
        users=[user()] if users is None else users,
        locks=locks,
        iam_roles=iam_roles,
        iam_paths={role["metadata"]["name"]: IAM_PATH for role in iam_roles},
        agent_role_arn=AGENT_ROLE,
        cluster_uid=CLUSTER_UID,
        service_address="10.96.0.7",
        now=NOW,
    )


def view(**inputs: Any) -> PolicyView:
    return PolicyView.of(compiled(**inputs).spec)
