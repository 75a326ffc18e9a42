"""The operator without its kinds: before they exist, and when they vanish. On a control plane of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from keyward_api import names
from tests.integration.operator.control_plane import ControlPlane, RunningOperator, eventually


@pytest.fixture(scope="module")
def control_plane(programs: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    kubernetes, tools = programs
    plane = ControlPlane(kubernetes=kubernetes, etcd=tools / "server", folder=tmp_path_factory.mktemp("empty"))
    try:
        plane.start()
        yield plane
    finally:
        plane.stop()


@pytest.fixture(scope="module")
def installed(control_plane: ControlPlane, chart_objects: list[dict[str, Any]]) -> ControlPlane:
    for namespace in (names.SYSTEM_NAMESPACE, names.AGENTS_NAMESPACE):
        control_plane.kubectl("create", "namespace", namespace)
    rights = [document for document in chart_objects if "Role" in document["kind"]]
    control_plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(rights))
    return control_plane


def test_it_waits_for_its_kinds_and_says_so(
    new_operator: Callable[..., RunningOperator], installed: ControlPlane, chart_objects: list[dict[str, Any]]
) -> None:
    operator = new_operator()
    operator.start()
    eventually(lambda: operator.get("/healthz")[0] == 200, what="it is alive")
    status, body = operator.get("/readyz")
    assert status == 503
    assert "does not list the kinds" in body
    definitions = [document for document in chart_objects if document["kind"] == "CustomResourceDefinition"]
    installed.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(definitions))
    operator.wait_until_ready()
    for name in (definition["metadata"]["name"] for definition in definitions):
        conditions = installed.kubectl("get", "crd", name, "-o", "jsonpath={.status.conditions[*].type}")
        assert "NonStructuralSchema" not in conditions
    # A kind that vanishes breaks a watch for good: the operator ends, and waits for the kind when started again.
    installed.kubectl("delete", "crd", "keyspacesusers.keyward.dev")
    eventually(lambda: not operator.runs(), what="it ended", deadline=30)
    assert operator.process.returncode == 1
    assert "watches of tenants' namespaces ended" in operator.log.read_text()
