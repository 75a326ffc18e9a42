"""What happens while an operator is away, and who takes over."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from keyward_api import names
from keyward_operator.clients import connection
from keyward_operator.clients.kubernetes_api import KubernetesApi
from tests.integration.operator.conftest import Objects, operators
from tests.integration.operator.control_plane import ADMIN, ControlPlane, RunningOperator, eventually
from tests.integration.operator.convergence.world import World
from tests.integration.operator.resources import condition, database, role, user

pytestmark = pytest.mark.first

AGENTS = names.AGENTS_NAMESPACE
FLEET = 20
"""Databases: to make them takes hundreds of writes."""

ENDS = 6
WRITES_BEFORE_AN_END = 60
NewOperator = Callable[..., RunningOperator]


@pytest.fixture
def new_operator(
    installed: ControlPlane, settings: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NewOperator]:
    """Makes operators, and ends them with the test: the next one's would wait for the Lease."""
    with operators(installed, settings, tmp_path_factory) as make:
        yield make


def leader(objects: Objects) -> str:
    lease = objects.get("lease", names.LEASE_NAME, names.SYSTEM_NAMESPACE)
    return str(lease["spec"].get("holderIdentity", "")) if lease else ""


def test_a_user_deleted_while_no_operator_ran_is_gone_and_nothing_else_is_written(
    new_operator: NewOperator, objects: Objects, namespace: str, installed: ControlPlane
) -> None:
    first = new_operator(identity="first", resync_seconds=1.0)
    first.start()
    objects.apply(role(namespace), user(namespace), user(namespace, "other"), database(namespace))
    policy = names.dotted_child_name(namespace=namespace, name="orders")
    objects.wait("keyspacespolicy", policy, AGENTS, until=lambda found: len(found["spec"]["grants"]) == 2)
    first.settle()
    first.kill()
    installed.kubectl("delete", "keyspacesuser", "other", "-n", namespace)
    second = new_operator(identity="second")
    second.start()
    second.wait_until_ready()
    objects.wait("keyspacespolicy", policy, AGENTS, until=lambda found: len(found["spec"]["grants"]) == 1)
    eventually(
        lambda: (
            objects.wait("keyspacesdatabase", "orders", namespace)["status"]["grants"] == 1
            and objects.wait("keyspacesrole", "reader", namespace)["status"]["users"] == ["app"]
            and second.idles()
        ),
        what="the second operator is done",
    )
    # Nothing else changed, so nothing else is written.
    assert second.written() == 3, "the policy, and what database and role say of it"
    assert second.stop() == 0


def test_a_standby_waits_and_takes_over_at_once_when_the_leader_stops(
    new_operator: NewOperator, objects: Objects, namespace: str
) -> None:
    first, standby = new_operator(identity="one"), new_operator(identity="two")
    first.start()
    first.wait_until_ready()
    eventually(lambda: leader(objects) == "one", what="the first leads")
    standby.start()
    standby.wait_until_ready()
    objects.apply(database(namespace))
    objects.wait("configmap", "keyward-orders-ca", namespace)
    assert standby.metric("keyward_operator_is_leader") == 0
    assert standby.written() == 0
    assert first.stop() == 0
    eventually(lambda: leader(objects) == "two", what="the standby leads", deadline=10)
    objects.apply(role(namespace), user(namespace))
    policy = names.dotted_child_name(namespace=namespace, name="orders")
    objects.wait("keyspacespolicy", policy, AGENTS, until=lambda found: found["spec"]["grants"])
    assert standby.stop() == 0
    assert leader(objects) == ""


def test_a_leader_that_lost_its_lease_ends_at_once(
    new_operator: NewOperator, objects: Objects, installed: ControlPlane
) -> None:
    operator = new_operator(identity="robbed")
    operator.start()
    eventually(lambda: leader(objects) == "robbed", what="it leads")
    robbery = '{"spec": {"holderIdentity": "robber", "leaseDurationSeconds": 3600}}'
    installed.kubectl("patch", "lease", names.LEASE_NAME, "-n", names.SYSTEM_NAMESPACE, "--type=merge", "-p", robbery)
    eventually(lambda: not operator.runs(), what="it ended", deadline=20)
    assert operator.process.returncode == 1
    assert "was not renewed" in operator.log.read_text()
    assert leader(objects) == "robber"
    installed.kubectl("delete", "lease", names.LEASE_NAME, "-n", names.SYSTEM_NAMESPACE)


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(RunningOperator.kill, id="SIGKILL"),
        pytest.param(RunningOperator.stop, id="SIGTERM", marks=pytest.mark.long),
    ],
)
async def test_one_that_is_ended_again_and_again_makes_the_whole_fleet(
    new_operator: NewOperator,
    objects: Objects,
    namespace: str,
    installed: ControlPlane,
    end: Callable[[RunningOperator], object],
) -> None:
    """As kubelet does it starts again in the same pod, whose name holds the Lease."""
    chance = random.Random()  # noqa: S311
    operator = new_operator(identity="ended", resync_seconds=2.0)
    operator.start()
    fleet = [f"db-{number}" for number in range(FLEET)]
    objects.apply(role(namespace), user(namespace), *(database(namespace, name) for name in fleet))
    for _ in range(ENDS):
        enough = chance.randrange(WRITES_BEFORE_AN_END)
        eventually(lambda: operator.written() >= enough, what=f"{enough} writes")  # noqa: B023
        end(operator)
        operator.start()
    for name in fleet:
        objects.wait("keyspacesdatabase", name, namespace, until=is_settled)
    operator.settle()
    people = await connection.load(installed.kubeconfig(ADMIN))
    async with KubernetesApi(people, field_manager="people") as api:
        await World(api, namespace).check()
    assert operator.stop() == 0


def is_settled(found: dict[str, Any]) -> bool:
    """Whether a database has everything but agents, which nobody runs here, and both who tell of it have."""
    return condition(found, "AgentAvailable")["reason"] == "Unavailable" and "policyRevision" in found["status"]
