"""Who may read agents' metrics: the namespaces that the platform selects, as it selects them now."""

from collections.abc import Iterator

import pytest

from keyward_api.names import CQL_PORT
from tests.e2e import operator
from tests.e2e.kube import Kubectl, Object
from tests.e2e.surroundings import Surroundings
from tests.e2e.tenants import Database, Tenant
from tests.e2e.waiting import NotYet, wait_for
from tests.netpol.peers import OTHER_PORT, Peer, is_cut_off, reaches, start_listener
from tests.netpol.policies import agents_policy, install_with

HEALTH_PORT = 8080
MONITORING = "netpol-monitoring"
SETTINGS_SECONDS = 150.0
"""Until the operator has read changed settings: the kubelet renews a mounted file once a minute or so."""

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def database(tenant: Tenant) -> Database:
    return tenant.database()


@pytest.fixture(scope="module")
def agent(database: Database) -> Peer:
    (agent,) = database.agents()
    return Peer.of(database.kube, agent)


@pytest.fixture(scope="module")
def monitor(platform: Kubectl) -> Iterator[Peer]:
    """Where Prometheus would run."""
    platform.delete("namespace", MONITORING)
    platform.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": MONITORING}})
    yield start_listener(platform, MONITORING, "prometheus", OTHER_PORT)
    platform.delete("namespace", MONITORING)


@pytest.fixture
def selected(surroundings: Surroundings, database: Database) -> Iterator[None]:
    """Only the monitoring namespace may read metrics; before and after all may."""
    selector = {"matchLabels": {"kubernetes.io/metadata.name": MONITORING}}
    install_with(surroundings, monitoringNamespaces=selector)
    wait_until_the_policy_selects(database, selector)
    yield
    install_with(surroundings)
    wait_until_the_policy_selects(database, {})


def wait_until_the_policy_selects(database: Database, selector: Object) -> None:
    """Until the operator has written the selector into the policy of the agents."""

    def written() -> bool:
        ingress = agents_policy(database)["spec"]["ingress"]
        (found,) = [
            peer["namespaceSelector"]
            for rule in ingress
            if [port["port"] for port in rule["ports"]] == [HEALTH_PORT]
            for peer in rule["from"]
        ]
        if found != selector:
            raise NotYet(f"it selects {found}")
        return True

    wait_for(f"the agents' policy to select {selector}", written, seconds=SETTINGS_SECONDS)


def starts(database: Database) -> dict[str, int]:
    """How often the containers of agents and operators were started again, by the uid of their pods."""
    pods = database.agents() + operator.pods(database.kube)
    return {pod["metadata"]["uid"]: pod["status"]["containerStatuses"][0]["restartCount"] for pod in pods}


def test_all_namespaces_may_read_metrics_by_default(agent: Peer, neighbour: Peer, monitor: Peer) -> None:
    for pod in (neighbour, monitor):
        reaches(pod, agent.address, HEALTH_PORT)


def test_a_selector_keeps_the_others_out_and_no_pod_is_started_again(
    database: Database, agent: Peer, neighbour: Peer, monitor: Peer, request: pytest.FixtureRequest
) -> None:
    before = starts(database)
    reaches(neighbour, agent.address, HEALTH_PORT)
    request.getfixturevalue("selected")
    is_cut_off(neighbour, agent.address, HEALTH_PORT)
    reaches(monitor, agent.address, HEALTH_PORT)
    reaches(neighbour, agent.address, CQL_PORT, "tls")
    assert starts(database) == before


def test_all_may_again_once_the_selector_is_gone(agent: Peer, neighbour: Peer) -> None:
    reaches(neighbour, agent.address, HEALTH_PORT)
