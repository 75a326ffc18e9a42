"""How Prometheus finds the operator and the agents."""

import pytest

from keyward_api import names

from .agents import agents_template
from .conftest import Render, values
from .objects import Manifest, all_of, one, pod_template

pytestmark = pytest.mark.timeout(1800)  # the first run on a machine may have to compile helm

POD_MONITOR = {"metrics": {"podMonitor": {"enabled": True}}}
SERVICE_MONITOR = {"metrics": {"serviceMonitor": {"enabled": True}}}


def monitors(manifests: list[Manifest]) -> set[tuple[str, str, str]]:
    found = all_of(manifests, "PodMonitor", "ServiceMonitor")
    return {(m["kind"], m["metadata"]["namespace"], m["metadata"]["name"]) for m in found}


def test_there_is_none_by_default(render: Render) -> None:
    assert monitors(render()) == set()


def test_pods_are_found_by_pod_monitors(render: Render) -> None:
    manifests = render(POD_MONITOR)
    assert monitors(manifests) == {
        ("PodMonitor", "keyward-system", "keyward-operator"),
        ("PodMonitor", names.AGENTS_NAMESPACE, "keyward-agents"),
    }
    monitor = one(manifests, "PodMonitor", "keyward-operator", "keyward-system")["spec"]
    template = pod_template(manifests)
    assert monitor["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    (endpoint,) = monitor["podMetricsEndpoints"]
    assert endpoint["port"] in {port["name"] for port in template["spec"]["containers"][0]["ports"]}


def test_the_operator_is_found_by_its_service_and_agents_by_their_pods(render: Render) -> None:
    manifests = render(SERVICE_MONITOR)
    assert monitors(manifests) == {
        ("ServiceMonitor", "keyward-system", "keyward-operator"),
        ("PodMonitor", names.AGENTS_NAMESPACE, "keyward-agents"),
    }
    monitor = one(manifests, "ServiceMonitor", "keyward-operator", "keyward-system")["spec"]
    service = one(manifests, "Service", "keyward-operator", "keyward-system")
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["endpoints"][0]["port"] == service["spec"]["ports"][0]["name"]


def test_agents_are_found_whichever_database_they_serve(render: Render) -> None:
    monitor = one(render(POD_MONITOR), "PodMonitor", "keyward-agents", names.AGENTS_NAMESPACE)["spec"]
    template = agents_template()
    assert monitor["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    assert set(monitor["podTargetLabels"]) <= template["metadata"]["labels"].keys()
    (endpoint,) = monitor["podMetricsEndpoints"]
    assert endpoint["port"] in {port["name"] for port in template["spec"]["containers"][0]["ports"]}


def test_monitors_carry_what_prometheus_selects_by(render: Render) -> None:
    for monitor in all_of(render(values("everything")), "PodMonitor"):
        assert monitor["metadata"]["labels"]["release"] == "prometheus"
        assert monitor["spec"]["podMetricsEndpoints"][0]["interval"] == "30s"
