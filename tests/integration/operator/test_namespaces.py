"""The operator for some namespaces, with the rights that the chart gives it then: in these and in no other."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from keyward_api import names
from tests.integration.operator import installation
from tests.integration.operator.conftest import Objects
from tests.integration.operator.control_plane import OPERATOR, ControlPlane, RunningOperator
from tests.integration.operator.resources import condition, database, lock, role, user

SERVED, OTHER = ("payments", "billing"), "elsewhere"


@pytest.fixture(scope="module")
def installed(programs: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """The chart with `watchNamespaces`."""
    kubernetes, tools = programs
    folder = tmp_path_factory.mktemp("namespaced")
    plane = ControlPlane(kubernetes=kubernetes, etcd=tools / "server", folder=folder, has_controllers=False)
    try:
        plane.start()
        for namespace in (*SERVED, OTHER):
            plane.kubectl("create", "namespace", namespace)
        installation.install(plane, installation.chart_objects(tools, watchNamespaces=list(SERVED)))
        yield plane
    finally:
        plane.stop()


@pytest.fixture(scope="module")
def operator(new_operator: Callable[..., RunningOperator]) -> RunningOperator:
    running = new_operator(watch_namespaces=SERVED, resync_seconds=2.0)
    running.start()
    running.wait_until_ready()
    return running


def test_databases_of_named_namespaces_are_served_from_making_to_deletion(
    operator: RunningOperator, objects: Objects, installed: ControlPlane
) -> None:
    for namespace in (*SERVED, OTHER):
        objects.apply(role(namespace), user(namespace), database(namespace))
    for namespace in SERVED:
        objects.wait(
            "keyspacesdatabase",
            "orders",
            namespace,
            until=lambda found: condition(found, "PolicyCompiled")["status"] == "True",
        )
        objects.wait("keyspacesuser", "app", namespace, until=lambda user: user.get("status", {}).get("grants") == 1)
    objects.apply(lock("payments", target={"database": "orders"}))
    policy = names.dotted_child_name(namespace="payments", name="orders")
    objects.wait("keyspacespolicy", policy, names.AGENTS_NAMESPACE, until=lambda policy: policy["spec"].get("locks"))
    installed.kubectl("delete", "keyspacesdatabase", "orders", "-n", "payments", "--timeout=30s")
    assert objects.get("keyspacespolicy", policy, names.AGENTS_NAMESPACE) is None
    assert "status" not in (objects.get("keyspacesdatabase", "orders", OTHER) or {}), "nobody looked at it"
    assert "denied" not in operator.log.read_text().lower()
    assert "forbidden" not in operator.log.read_text().lower()


def test_what_only_children_name_is_found_in_them_alone(
    operator: RunningOperator, objects: Objects, installed: ControlPlane
) -> None:
    """A child whose database is gone is removed; one that names a database of another namespace is not ours."""

    def orphan(namespace: str) -> dict[str, object]:
        labels = {
            names.LABEL_MANAGED_BY: names.MANAGED_BY,
            names.LABEL_OWNER_NAMESPACE: namespace,
            names.LABEL_OWNER_NAME: "gone",
        }
        metadata = {"name": f"{namespace}.gone", "namespace": names.AGENTS_NAMESPACE, "labels": labels}
        return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}

    installed.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all([orphan("billing"), orphan(OTHER)]))
    objects.wait_gone("serviceaccount", "billing.gone", names.AGENTS_NAMESPACE)
    operator.look_at_everything()
    assert objects.get("serviceaccount", f"{OTHER}.gone", names.AGENTS_NAMESPACE) is not None


def test_it_may_read_no_other_namespace(installed: ControlPlane) -> None:
    for kind in ("keyspacesdatabases.keyward.dev", "services", "configmaps"):
        for namespace, answer in ((SERVED[0], "yes"), (OTHER, "no")):
            said = installed.kubectl("auth", "can-i", "list", kind, "-n", namespace, f"--as={OPERATOR}", check=False)
            assert said.strip().splitlines()[-1].startswith(answer), (kind, namespace, said)
