"""A tenant that denies its own pods everything needs no more than the policy that docs/clients.md shows."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from keyward_api.names import AGENTS_NAMESPACE, CQL_PORT, EXTERNAL_CQL_PORT
from tests.e2e import manifests
from tests.e2e.kube import Object
from tests.e2e.pods import ClientPod
from tests.e2e.tenants import Database, Tenant
from tests.netpol.peers import Peer, is_cut_off, reaches
from tests.netpol.policies import KIND, allow

DOCUMENTED = Path(__file__).parents[2] / "examples/clients/network-policy.yaml"
DENY = "deny-everything"
SELECT = "SELECT name FROM e2e_shop.items WHERE id = 1"
HEALTH_PORT = 8080

pytestmark = pytest.mark.timeout(600)


def documented(namespace: str) -> Object:
    """The document's policy, for another namespace than its example."""
    policy: Object = yaml.safe_load(DOCUMENTED.read_text())
    policy["metadata"]["namespace"] = namespace
    return policy


@pytest.fixture(scope="module")
def database(tenant: Tenant) -> Database:
    """Two agents."""
    database = tenant.database(iam_roles=[tenant.iam_role("reader")], replicas=2)
    rule = manifests.rule(db_users=[tenant.iam_role("reader")], keyspaces=["e2e_shop"], tables=["items"])
    tenant.grant("reader", "web", rule)
    database.wait_until_rolled_out()
    return database


@pytest.fixture(scope="module")
def client(tenant: Tenant, database: Database) -> ClientPod:
    return tenant.client("web")


@pytest.fixture(scope="module")
def pod(client: ClientPod) -> Peer:
    """The client's pod."""
    return Peer(kube=client.kube, namespace=client.namespace, name=client.name)


@pytest.fixture(scope="module")
def ways_in(database: Database) -> list[tuple[str, int]]:
    """Where clients may find agents: at the address of each, and last at that of their Service, which leads to 9144."""
    ports = (CQL_PORT, EXTERNAL_CQL_PORT)
    agents = [(Peer.of(database.kube, agent).address, port) for agent in database.agents() for port in ports]
    (service,) = (found for found in database.children("services") if found["spec"]["clusterIP"] != "None")
    return [*agents, (service["spec"]["clusterIP"], CQL_PORT)]


@pytest.fixture
def denied(tenant: Tenant) -> Iterator[None]:
    """Every pod of the tenant's is kept from everything."""
    allow(tenant.kube, DENY, tenant.namespace, policyTypes=["Ingress", "Egress"])
    yield
    tenant.kube.delete(KIND, DENY, tenant.namespace)


def test_the_documented_policy_suffices_beside_one_that_denies_everything(
    tenant: Tenant,
    database: Database,
    client: ClientPod,
    pod: Peer,
    ways_in: list[tuple[str, int]],
    request: pytest.FixtureRequest,
) -> None:
    for host, port in ways_in:
        reaches(pod, host, port, "tls")
    request.getfixturevalue("denied")
    for host, port in ways_in:
        is_cut_off(pod, host, port, "tls")

    tenant.kube.apply(documented(tenant.namespace))
    for host, port in ways_in:
        reaches(pod, host, port, "tls")
    with client.driver() as driver:
        answer = driver.connect_once_granted("s", tenant.iam_role("reader"))
        for _ in range(2 * len(answer["hosts"])):
            assert driver.do("execute", name="s", cql=SELECT)["rows"] == [["anvil"]]
    is_cut_off(pod, ways_in[0][0], HEALTH_PORT)


def test_without_the_port_behind_the_service_a_node_of_the_drivers_is_out_of_reach(
    tenant: Tenant, pod: Peer, ways_in: list[tuple[str, int]], denied: None
) -> None:
    policy = documented(tenant.namespace)
    agents = next(rule for rule in policy["spec"]["egress"] if AGENTS_NAMESPACE in str(rule["to"]))
    agents["ports"] = [port for port in agents["ports"] if port["port"] == CQL_PORT]
    tenant.kube.apply(policy)
    own, service = ways_in[0], ways_in[-1]
    is_cut_off(pod, *service, "tls")
    reaches(pod, *own, "tls")
