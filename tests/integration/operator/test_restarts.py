"""What happens while an operator is away, and who takes over."""

from collections.abc import Callable

from keyward_api import names
from tests.integration.operator.conftest import Objects
from tests.integration.operator.control_plane import ControlPlane, RunningOperator, eventually
from tests.integration.operator.resources import condition, database, role, user

AGENTS = names.AGENTS_NAMESPACE
NewOperator = Callable[..., RunningOperator]


def leader(objects: Objects) -> str:
    lease = objects.get("lease", names.LEASE_NAME, names.SYSTEM_NAMESPACE)
    return str(lease["spec"].get("holderIdentity", "")) if lease else ""


def test_a_user_deleted_while_no_operator_ran_is_gone_and_nothing_else_is_written(
    new_operator: NewOperator, objects: Objects, namespace: str, installed: ControlPlane
) -> None:
    first = new_operator(identity="first")
    first.start()
    objects.apply(role(namespace), user(namespace), user(namespace, "other"), database(namespace))
    policy = names.dotted_child_name(namespace=namespace, name="orders")
    objects.wait("keyspacespolicy", policy, AGENTS, until=lambda found: len(found["spec"]["grants"]) == 2)
    objects.wait(
        "keyspacesdatabase",
        "orders",
        namespace,
        until=lambda found: condition(found, "AgentAvailable")["reason"] == "Unavailable",
    )
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
            and second.metric("keyward_operator_queue_depth") == 0
        ),
        what="the second operator is done",
    )
    # Nothing else changed, so nothing else is written.
    assert second.metric("keyward_operator_writes_total") == 3, "the policy, and what database and role say of it"
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
    assert standby.metric("keyward_operator_writes_total") == 0
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
    eventually(lambda: operator.process.poll() is not None, what="it ended", deadline=20)
    assert operator.process.returncode == 1
    assert "was not renewed" in operator.log.read_text()
    assert leader(objects) == "robber"
    installed.kubectl("delete", "lease", names.LEASE_NAME, "-n", names.SYSTEM_NAMESPACE)
