"""Agents whose pods the identity webhook missed: here no webhook runs, so it misses all of them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from keyward_api import names
from tests.integration.operator.conftest import Objects
from tests.integration.operator.control_plane import ControlPlane, RunningOperator, eventually
from tests.integration.operator.installation import SETTINGS
from tests.integration.operator.resources import condition, database

AGENTS = names.AGENTS_NAMESPACE


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("settings") / "settings.yaml"
    path.write_text(yaml.safe_dump({**SETTINGS, "agents": {"image": "keyward/agent:test"}}))
    return path


def test_pods_without_identity_are_replaced_and_it_is_told(
    new_operator: Callable[..., RunningOperator], objects: Objects, namespace: str, installed: ControlPlane
) -> None:
    operator = new_operator()
    operator.start()
    objects.apply(database(namespace))
    selector = f"{names.LABEL_OWNER_NAMESPACE}={namespace}"
    seen: set[str] = set()

    def replaced() -> bool:
        listed = json.loads(installed.kubectl("get", "pods", "-n", AGENTS, "-l", selector, "-o", "json"))["items"]
        seen.update(pod["metadata"]["uid"] for pod in listed)
        return len(seen) >= 4

    eventually(replaced, what="two pods were replaced by new ones")
    found = objects.wait(
        "keyspacesdatabase",
        "orders",
        namespace,
        until=lambda found: condition(found, "AgentAvailable")["reason"] == "IdentityNotInjected",
    )
    assert "webhook" in condition(found, "AgentAvailable")["message"]
    events = installed.kubectl("get", "events.events.k8s.io", "-n", namespace, "-o", "json")
    assert "ReplacePod" in {event["action"] for event in json.loads(events)["items"]}
