"""Agents serve behind the policy that the operator makes for them, and connect to nothing but what it names."""

import pytest

from keyward_api.names import CQL_PORT, EXTERNAL_CQL_PORT, SERVICE_CQL_PORT, Condition, Reason
from local.cluster import kind
from tests.e2e import manifests
from tests.e2e.forwarding import forwarded_cluster
from tests.e2e.kube import Object
from tests.e2e.readers import python_client, python_reader
from tests.e2e.tenants import Database, Tenant
from tests.e2e.waiting import NotYet, wait_for
from tests.netpol.peers import OTHER_PORT, Peer, is_cut_off, reaches
from tests.netpol.policies import agents_policy_removed

SELECT = "SELECT name FROM e2e_shop.items WHERE id = 1"
BY_ID = "SELECT name FROM e2e_shop.items WHERE id = ?"
READS_PER_SECOND = 50
KUBELET_PORT = 10250

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def database(tenant: Tenant) -> Database:
    """Two agents, as by default; ready, hence Keyspaces, STS and the API server were reached."""
    database = tenant.database(iam_roles=[tenant.iam_role("reader")], replicas=2)
    rule = manifests.rule(db_users=[tenant.iam_role("reader")], keyspaces=["e2e_shop"], tables=["items"])
    tenant.grant("reader", "web", rule)
    database.wait_until_rolled_out()
    return database


@pytest.fixture(scope="module")
def agent(database: Database) -> Peer:
    """One of them."""
    return Peer.of(database.kube, database.agents()[0])


@pytest.fixture(scope="module")
def node(tenant: Tenant) -> str:
    """The node's address."""
    addresses = tenant.kube.get("node", kind.NODE)["status"]["addresses"]
    return next(str(found["address"]) for found in addresses if found["type"] == "InternalIP")


@pytest.fixture(scope="module")
def node_port(tenant: Tenant, neighbour: Peer) -> int:
    """A port of the node that leads to the neighbour."""
    name, label = "neighbour", {"netpol": "neighbour"}
    tenant.kube.patch("pod", neighbour.name, tenant.namespace, {"metadata": {"labels": label}})
    spec = {"type": "NodePort", "selector": label, "ports": [{"port": OTHER_PORT}]}
    metadata = {"name": name, "namespace": tenant.namespace}
    tenant.kube.apply({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
    (port,) = tenant.kube.get("service", name, tenant.namespace)["spec"]["ports"]
    found: int = port["nodePort"]
    return found


def test_they_reach_keyspaces_and_sts(database: Database) -> None:
    database.wait_for_condition(Condition.ENDPOINT_REACHABLE, "True")
    database.wait_for_condition(Condition.IDENTITY_VERIFIED, "True", reason=Reason.VERIFIED)
    database.wait_for_condition(Condition.ROLES_ASSUMABLE, "True", reason=Reason.ASSUMABLE)


def test_they_serve_clients_in_the_cluster_which_see_both_and_their_service(tenant: Tenant, database: Database) -> None:
    with tenant.client("web").driver() as driver:

        def all_nodes() -> Object:
            answer = driver.connect_once_granted("s", tenant.iam_role("reader"))
            driver.do("close", name="s")
            if len(answer["hosts"]) != 3:
                raise NotYet(str(answer["hosts"]))
            return answer

        wait_for("the driver to know three nodes", all_nodes, seconds=60)
        driver.connect_once_granted("s", tenant.iam_role("reader"))
        for _ in range(6):
            assert driver.do("execute", name="s", cql=SELECT)["rows"] == [["anvil"]]


def test_they_serve_clients_of_a_forwarded_port(tenant: Tenant, database: Database) -> None:
    with forwarded_cluster(database, account="web", user=tenant.iam_role("reader")) as cluster:
        assert cluster.connect().execute(SELECT).one().name == "anvil"


def test_an_agent_gets_no_further_than_to_the_ports_that_the_platform_names(
    tenant: Tenant, agent: Peer, neighbour: Peer, node: str, node_port: int, database: Database
) -> None:
    elsewhere = [(neighbour.address, OTHER_PORT, "http"), (node, node_port, "http"), (node, KUBELET_PORT, "tls")]
    with agents_policy_removed(database):
        for host, port, protocol in elsewhere:
            reaches(agent, host, port, protocol)
    for host, port, protocol in elsewhere:
        is_cut_off(agent, host, port, protocol)
    reaches(agent, neighbour.address, CQL_PORT)


def test_nobody_gets_in_at_another_port_than_those_of_cql_and_health(
    agent: Peer, neighbour: Peer, database: Database
) -> None:
    with agent.listening(OTHER_PORT):
        with agents_policy_removed(database):
            reaches(neighbour, agent.address, OTHER_PORT)
        is_cut_off(neighbour, agent.address, OTHER_PORT)
    for port in (CQL_PORT, EXTERNAL_CQL_PORT, SERVICE_CQL_PORT):
        reaches(neighbour, agent.address, port, "tls")


def test_a_rolling_update_fails_no_request(tenant: Tenant, database: Database) -> None:
    """Last: the agents are others afterwards."""
    pod = python_client(tenant, "web")
    with python_reader(pod, tenant.iam_role("reader"), BY_ID, READS_PER_SECOND) as reader:

        def reads() -> bool:
            report = reader.report()
            if not report.requests or report.failures:
                raise NotYet(str(report))
            return True

        wait_for("the reader to read", reads, seconds=30)
        database.roll()
        report = reader.report()
    assert report.requests > READS_PER_SECOND, report
    assert not report.failures, report
    database.wait_until_ready()
