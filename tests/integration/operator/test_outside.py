"""What others decide about a database's agents: a cloud's load balancer, an autoscaler. Both are played by kubectl."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from keyward_api import names
from tests.integration.operator.conftest import Objects
from tests.integration.operator.control_plane import ControlPlane, RunningOperator
from tests.integration.operator.installation import SETTINGS
from tests.integration.operator.resources import ROLE_ARN, database

AGENTS = names.AGENTS_NAMESPACE


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Load balancers are permitted, with one annotation."""
    tenants = [{"serviceTypes": ["ClusterIP", "LoadBalancer"], "serviceAnnotations": ["example.com/scheme"]}]
    path = tmp_path_factory.mktemp("settings") / "settings.yaml"
    path.write_text(yaml.safe_dump(SETTINGS | {"tenants": tenants}))
    return path


@pytest.fixture(scope="module")
def operator(new_operator: Callable[..., RunningOperator]) -> RunningOperator:
    running = new_operator(resync_seconds=1.0)
    running.start()
    running.wait_until_ready()
    return running


def asking_for(namespace: str, **agent: Any) -> dict[str, Any]:
    """A database with these fields of `agent`."""
    return database(namespace, agent={"identity": {"roleARN": ROLE_ARN}, **agent})


def test_the_address_of_a_load_balancer_is_told_as_it_comes_and_changes(
    operator: RunningOperator, objects: Objects, installed: ControlPlane, namespace: str
) -> None:
    exposed = {"type": "LoadBalancer", "annotations": {"example.com/scheme": "internal"}}
    objects.apply(asking_for(namespace, service=exposed))
    name = names.external_service_name(namespace=namespace, name="orders")
    service = objects.wait("service", name, AGENTS)
    assert service["metadata"]["annotations"]["example.com/scheme"] == "internal"
    assert [port["port"] for port in service["spec"]["ports"]] == [names.EXTERNAL_CQL_PORT]
    for ingress, told in (({"hostname": "lb.example.com"}, "lb.example.com"), ({"ip": "198.51.100.7"}, "198.51.100.7")):
        status = yaml.safe_dump({"status": {"loadBalancer": {"ingress": [ingress]}}})
        installed.kubectl("patch", "service", name, "-n", AGENTS, "--subresource=status", "--type=merge", "-p", status)
        objects.wait(
            "keyspacesdatabase",
            "orders",
            namespace,
            until=lambda found, told=told: (  # type: ignore[misc]
                found["status"].get("externalAddress") == f"{told}:{names.EXTERNAL_CQL_PORT}"
            ),
        )
    objects.apply(asking_for(namespace))
    objects.wait_gone("service", name, AGENTS)
    objects.wait("keyspacesdatabase", "orders", namespace, until=lambda found: "externalAddress" not in found["status"])


def test_what_an_autoscaler_chooses_stays_within_its_bounds(
    operator: RunningOperator, objects: Objects, installed: ControlPlane, namespace: str
) -> None:
    objects.apply(asking_for(namespace, replicas=2, autoscaling={"maxReplicas": 5}))
    dotted = names.dotted_child_name(namespace=namespace, name="orders")
    deployment = names.child_name(namespace=namespace, name="orders")
    autoscaler = objects.wait("horizontalpodautoscaler", dotted, AGENTS)["spec"]
    assert (autoscaler["minReplicas"], autoscaler["maxReplicas"]) == (2, 5)
    assert autoscaler["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment}
    objects.wait("deployment", deployment, AGENTS)
    operator.settle()
    for chosen, kept in ((4, 4), (9, 5), (1, 2)):
        installed.kubectl("scale", "deployment", deployment, "-n", AGENTS, f"--replicas={chosen}")
        operator.settle()
        found = objects.wait("deployment", deployment, AGENTS, until=lambda found, kept=kept: replicas(found) == kept)  # type: ignore[misc]
        assert replicas(found) == kept
    objects.apply(asking_for(namespace, replicas=3))
    objects.wait_gone("horizontalpodautoscaler", dotted, AGENTS)
    objects.wait("deployment", deployment, AGENTS, until=lambda found: replicas(found) == 3)


def replicas(deployment: dict[str, Any]) -> int:
    return int(deployment["spec"]["replicas"])
