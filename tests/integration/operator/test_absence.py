"""Objects that vanish while nobody can be told: their absence is all that there is to see."""

from collections.abc import Callable

import pytest

from keyward_api.names import AGENTS_NAMESPACE, LEASE_NAME, SYSTEM_NAMESPACE, child_name, dotted_child_name
from keyward_operator import kinds
from keyward_operator.kinds import Reference
from tests.integration.operator.conftest import Objects
from tests.integration.operator.control_plane import ControlPlane, RunningOperator, eventually
from tests.integration.operator.resources import database, role, user

LONGER_THAN_THE_TEST = 3600.0
TRIES = 3
"""A start of the API server that takes longer than a leader keeps its Lease is no test of watches."""


def test_what_vanished_while_watches_were_broken_is_seen_when_they_begin_anew(
    installed: ControlPlane, new_operator: Callable[..., RunningOperator], objects: Objects, namespace: str
) -> None:
    operator = new_operator(resync_seconds=LONGER_THAN_THE_TEST)
    for _ in range(TRIES):
        objects.apply(database(namespace), database(namespace, "billing"), role(namespace), user(namespace))
        settle(operator, objects, namespace)
        take_away(installed, namespace)
        if goes_on(operator, objects):
            break
    else:
        pytest.fail("the API server was away for too long, each time")
    policies = {name: dotted_child_name(namespace=namespace, name=name) for name in ("orders", "billing")}
    objects.wait(
        "keyspacespolicy", policies["orders"], AGENTS_NAMESPACE, until=lambda found: not found["spec"].get("grants")
    )
    objects.wait_gone("keyspacespolicy", policies["billing"], AGENTS_NAMESPACE)
    objects.wait_gone("deployment", child_name(namespace=namespace, name="billing"), AGENTS_NAMESPACE)
    assert operator.runs()


def settle(operator: RunningOperator, objects: Objects, namespace: str) -> None:
    """Wait until all is made, and the resync of the start is over."""
    if not operator.runs():
        operator.start()
    for name in ("orders", "billing"):
        policy = dotted_child_name(namespace=namespace, name=name)
        objects.wait("keyspacespolicy", policy, AGENTS_NAMESPACE, until=lambda found: found["spec"].get("grants"))
        objects.wait("deployment", child_name(namespace=namespace, name=name), AGENTS_NAMESPACE)
    looks = ("keyward_operator_reconciles_total", 'reconciler="namespace"')
    eventually(lambda: operator.metric(*looks) and operator.idles(), what="the operator has nothing left to do")


def take_away(plane: ControlPlane, namespace: str) -> None:
    """A user and a database vanish, and no watch can tell of it."""
    plane.stop_api_server()
    plane.vanish(
        Reference(kind=kinds.KEYSPACES_USER, namespace=namespace, name="app"),
        Reference(kind=kinds.KEYSPACES_DATABASE, namespace=namespace, name="billing"),
    )
    plane.start_api_server()


def goes_on(operator: RunningOperator, objects: Objects) -> bool:
    """Whether it is the same process that leads, as soon as that can be told."""

    def renewals() -> str:
        lease = objects.get("lease", LEASE_NAME, SYSTEM_NAMESPACE)
        return str(lease and lease["spec"]["renewTime"])

    before = renewals()
    eventually(lambda: not operator.runs() or renewals() != before, what="the Lease is renewed, or the operator ends")
    return operator.runs()
