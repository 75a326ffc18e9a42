"""Resources as users write them."""

from typing import Any

from keyward_api import names

ROLE_ARN = "arn:aws:iam::111122223333:role/keyward-agents"
DB_USER = "KeyspacesReader"


def database(namespace: str, name: str = "orders", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": names.API_VERSION,
        "kind": "KeyspacesDatabase",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "aws": {"accountID": "111122223333", "region": "us-east-1"},
            "agent": {"identity": {"roleARN": ROLE_ARN}},
            **spec,
        },
    }


def role(
    namespace: str,
    name: str = "reader",
    keyspaces: tuple[str, ...] = ("orders",),
    db_users: tuple[str, ...] = (DB_USER,),
) -> dict[str, Any]:
    rule = {
        "databases": {"selector": {}},
        "dbUsers": list(db_users),
        "keyspaces": list(keyspaces),
        "tables": ["*"],
        "permissions": ["Select"],
    }
    return {
        "apiVersion": names.API_VERSION,
        "kind": "KeyspacesRole",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"allow": [rule]},
    }


def user(namespace: str, name: str = "app", roles: tuple[str, ...] = ("reader",)) -> dict[str, Any]:
    return {
        "apiVersion": names.API_VERSION,
        "kind": "KeyspacesUser",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "subjects": [{"kind": "ServiceAccount", "namespace": namespace, "name": "app"}],
            "roles": list(roles),
        },
    }


def lock(namespace: str, name: str = "incident", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": names.API_VERSION,
        "kind": "KeyspacesLock",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def iam_role(namespace: str, role_name: str, name: str = "reader", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": names.API_VERSION,
        "kind": "KeyspacesIAMRole",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"accountID": "111122223333", **{"roleName": role_name, **spec}},
    }


def condition(document: dict[str, Any], name: str) -> dict[str, Any]:
    """The condition of that type, or an empty one."""
    for found in document.get("status", {}).get("conditions", ()):
        if found["type"] == name:
            return dict(found)
    return {"status": "", "reason": "", "message": ""}
