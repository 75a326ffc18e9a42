"""A tenant that makes the operator work: others are served all the same, and the leader leads on."""

import time
from typing import Any

import pytest

from keyward_api import names
from tests.integration.operator.adversary.tenant import Tenant
from tests.integration.operator.conftest import Objects
from tests.integration.operator.control_plane import RunningOperator
from tests.integration.operator.resources import condition, database, role, user

Json = dict[str, Any]
REVOCATION_SECONDS = 20.0
"""Within which a revocation of another tenant reaches its policy, on a busy machine of two cores."""


def heavy_role(namespace: str, name: str) -> Json:
    """As much as few kilobytes can ask for: each rule is compiled for each IAM role, once for each holder."""
    document = role(namespace, name)
    (rule,) = document["spec"]["allow"]
    rule["dbUsers"] = [f"Role{number}" for number in range(16)]
    rule["keyspaces"] = [f"k{number}" for number in range(8)]
    document["spec"]["allow"] = [rule | {"tables": [f"t{number}"]} for number in range(32)]
    return document


def heavy_user(namespace: str, name: str, roles: tuple[str, ...]) -> Json:
    document = user(namespace, name, roles)
    document["spec"]["subjects"] = [
        {"kind": "ServiceAccount", "namespace": namespace, "name": f"{name}-{number}"} for number in range(64)
    ]
    return document


def seconds_to_revoke(tenant: Tenant, objects: Objects, name: str) -> float:
    """From the deletion of a user that was in force until it is in no policy any more."""
    policy = ("keyspacespolicy", tenant.child(), names.AGENTS_NAMESPACE)
    tenant.apply(user(tenant.namespace, name))
    objects.wait(*policy, until=lambda found: name in str(found["spec"]["grants"]))
    begin = time.monotonic()
    tenant.run("delete", "keyspacesuser", name)
    objects.wait(*policy, until=lambda found: name not in str(found["spec"]["grants"]))
    return time.monotonic() - begin


@pytest.mark.long
def test_a_tenant_whose_users_and_roles_are_too_many_keeps_nobody_else_waiting(
    operator: RunningOperator, mallory: Tenant, victim: Tenant, objects: Objects
) -> None:
    roles = tuple(f"heavy-{number:02}" for number in range(32))
    mallory.submit(*(heavy_role(mallory.namespace, name) for name in roles))
    mallory.submit(*(heavy_user(mallory.namespace, f"heavy-{number:03}", roles) for number in range(100)))
    mallory.submit(*(database(mallory.namespace, f"heavy-{number}") for number in range(8)))
    for name in ("first", "second", "third"):
        assert seconds_to_revoke(victim, objects, name) < REVOCATION_SECONDS
    assert operator.runs(), "it would have ended, had it lost its Lease"
    assert operator.get("/healthz")[0] == 200
    for number in range(8):
        objects.wait(
            "keyspacesdatabase",
            f"heavy-{number}",
            mallory.namespace,
            until=lambda found: condition(found, "PolicyCompiled")["reason"] == "PolicyTooLarge",
        )


def test_many_small_objects_of_one_tenant_keep_nobody_else_waiting(
    operator: RunningOperator, mallory: Tenant, victim: Tenant, objects: Objects
) -> None:
    mallory.submit(*(user(mallory.namespace, f"many-{number:04}") for number in range(500)))
    assert seconds_to_revoke(victim, objects, "among-many") < REVOCATION_SECONDS


def test_an_object_that_is_too_large_is_refused_before_the_operator_sees_it(mallory: Tenant) -> None:
    rule = role(mallory.namespace)["spec"]["allow"][0]
    document = role(mallory.namespace, "boundless") | {"spec": {"allow": [rule] * 65}}
    said = mallory.attempt("create", "-f", "-", stdin=str(document).replace("'", '"'))
    assert "must have at most 64 items" in said
