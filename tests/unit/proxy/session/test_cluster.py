"""All agents of a database agree on its nodes."""

from __future__ import annotations

import uuid
from ipaddress import ip_address

from keyward_proxy.session.cluster import Cluster
from tests.unit.proxy.session.script import policy

DATABASE = policy().database
OTHER_DATABASE = DATABASE.model_copy(update={"uid": "8f3d2c1e-0000-4000-8000-00000000000f"})
ADDRESSES = {f"agent-{n}": ip_address(f"10.1.0.{n + 1}") for n in range(200)}


def seen_by(pod: str) -> Cluster:
    return Cluster.of_replicas(DATABASE, pod=pod, address=ADDRESSES[pod], others=ADDRESSES)


def test_every_agent_sees_the_same_nodes_each_from_its_own_place() -> None:
    clusters = [seen_by(pod) for pod in ("agent-0", "agent-7", "agent-199")]
    nodes = [{cluster.local, *cluster.peers} for cluster in clusters]
    assert nodes[0] == nodes[1] == nodes[2]
    assert len(nodes[0]) == 200
    assert len({cluster.local for cluster in clusters}) == 3
    assert all(cluster.local not in cluster.peers for cluster in clusters)


def test_host_ids_and_tokens_are_distinct_and_tokens_of_the_partitioner() -> None:
    cluster = seen_by("agent-0")
    nodes = [cluster.local, *cluster.peers]
    assert len({node.host_id for node in nodes}) == len({node.token for node in nodes}) == 200
    assert all(-(2**63) < int(node.token) < 2**63 for node in nodes)


def test_a_host_id_is_the_same_after_a_restart_and_another_in_another_database() -> None:
    first, again = seen_by("agent-0").local, seen_by("agent-0").local
    other = Cluster.of_replicas(OTHER_DATABASE, pod="agent-0", address=ADDRESSES["agent-0"], others={}).local
    assert first == again
    assert first.host_id != other.host_id


def test_an_entry_that_took_this_agents_address_is_not_its_peer() -> None:
    stale = {"agent-gone": ADDRESSES["agent-0"], "agent-1": ADDRESSES["agent-1"]}
    cluster = Cluster.of_replicas(DATABASE, pod="agent-0", address=ADDRESSES["agent-0"], others=stale)
    assert [str(peer.address) for peer in cluster.peers] == ["10.1.0.2"]


def test_from_outside_all_agents_are_one_node() -> None:
    cluster = Cluster.of_one_node(DATABASE, ip_address("10.96.0.10"))
    assert cluster.peers == ()
    assert cluster.local.host_id == uuid.uuid5(uuid.NAMESPACE_URL, f"keyward.dev/databases/{DATABASE.uid}/host")
