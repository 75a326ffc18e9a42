"""Objects that vanish while nobody can be told: their absence is all that there is to see."""

from collections.abc import Callable

from keyward_api.names import AGENTS_NAMESPACE, child_name, dotted_child_name
from keyward_operator import kinds
from keyward_operator.kinds import Reference
from tests.integration.operator.conftest import Objects
from tests.integration.operator.control_plane import ControlPlane, RunningOperator, eventually
from tests.integration.operator.resources import database, role, user

LONGER_THAN_THE_TEST = 3600.0


def test_what_vanished_while_watches_were_broken_is_seen_when_they_begin_anew(
    installed: ControlPlane, new_operator: Callable[..., RunningOperator], objects: Objects, namespace: str
) -> None:
    orders, billing = (dotted_child_name(namespace=namespace, name=name) for name in ("orders", "billing"))
    deployment = child_name(namespace=namespace, name="billing")
    objects.apply(database(namespace), database(namespace, "billing"), role(namespace), user(namespace))
    operator = new_operator(resync_seconds=LONGER_THAN_THE_TEST)
    operator.start()
    for name in (orders, billing):
        objects.wait("keyspacespolicy", name, AGENTS_NAMESPACE, until=lambda found: found["spec"].get("grants"))
    objects.wait("deployment", deployment, AGENTS_NAMESPACE)
    looks = ("keyward_operator_reconciles_total", 'reconciler="namespace"')
    eventually(lambda: operator.metric(*looks) and operator.idles(), what="the resync of the start is over")

    installed.stop_api_server()
    installed.vanish(
        Reference(kind=kinds.KEYSPACES_USER, namespace=namespace, name="app"),
        Reference(kind=kinds.KEYSPACES_DATABASE, namespace=namespace, name="billing"),
    )
    installed.start_api_server()

    objects.wait("keyspacespolicy", orders, AGENTS_NAMESPACE, until=lambda found: not found["spec"].get("grants"))
    objects.wait_gone("keyspacespolicy", billing, AGENTS_NAMESPACE)
    objects.wait_gone("deployment", deployment, AGENTS_NAMESPACE)
    assert operator.runs(), "it went on, and was not begun anew"
