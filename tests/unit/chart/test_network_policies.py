"""What the operator and the agents' namespace may talk to."""

from typing import Any

import pytest

from keyward_api import names

from .agents import agents_template
from .conftest import Render, values
from .objects import Manifest, all_of, one

pytestmark = pytest.mark.timeout(1800)  # the first run on a machine may have to compile helm


def ports(rules: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(port["protocol"], port["port"]) for rule in rules for port in rule["ports"]]


@pytest.fixture(scope="module")
def manifests(render: Render) -> list[Manifest]:
    return render()


def test_the_operator_is_reached_at_its_health_port_only(manifests: list[Manifest]) -> None:
    policy = one(manifests, "NetworkPolicy", "keyward-operator", "keyward-system")["spec"]
    assert (
        policy["podSelector"] == one(manifests, "Deployment", "keyward-operator", "keyward-system")["spec"]["selector"]
    )
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert ports(policy["ingress"]) == [("TCP", 8080)]


def test_the_operator_reaches_dns_the_api_server_and_aws(manifests: list[Manifest], render: Render) -> None:
    dns = [("UDP", 53), ("TCP", 53)]
    policy = one(manifests, "NetworkPolicy", "keyward-operator", "keyward-system")["spec"]
    assert ports(policy["egress"]) == [*dns, ("TCP", 443), ("TCP", 6443)]
    other = one(render(values("everything")), "NetworkPolicy", "keyward-operator", "keyward-system")["spec"]
    assert ports(other["egress"]) == [*dns, ("TCP", 8443)]


def test_a_pod_among_agents_that_is_none_has_no_traffic(manifests: list[Manifest]) -> None:
    policy = one(manifests, "NetworkPolicy", "keyward-deny-others", names.AGENTS_NAMESPACE)["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert not {"ingress", "egress"} & policy.keys()
    (expression,) = policy["podSelector"]["matchExpressions"]
    assert expression["operator"] == "DoesNotExist"
    assert expression["key"] in agents_template()["metadata"]["labels"], "agents would be cut off"
    assert expression["key"].startswith(names.GROUP), "somebody else's pod may well have any other label"


@pytest.mark.parametrize("change", [{"createNamespace": False}, {"networkPolicy": {"enabled": False}}])
def test_the_agents_namespace_may_be_left_alone(render: Render, change: dict[str, Any]) -> None:
    policies = all_of(render({"agents": change}), "NetworkPolicy")
    assert [policy["metadata"]["name"] for policy in policies] == ["keyward-operator"]


def test_there_may_be_none(render: Render) -> None:
    assert all_of(render(values("least")), "NetworkPolicy") == []
