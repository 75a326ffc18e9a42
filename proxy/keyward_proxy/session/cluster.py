"""The cluster that drivers see: this agent and its peers, or one node that stands for all of them.

Every agent works out the same host id and token for each replica, and the same after a restart of its container:
drivers know nodes by their host ids, and gocql connects anew to a node whose id or address changes.
"""

from __future__ import annotations

import hashlib
import ipaddress
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from keyward_api.resources.policy import PolicyDatabase

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Entrance(Enum):
    """Through which of the agent's ports a client came."""

    REPLICAS = "replicas"
    """Inside the cluster: each agent is a node at its own address."""

    SERVICE = "service"
    """Through the agents' Service: it is a node at its own address, and each agent is another."""

    EXTERNAL = "external"
    """Through a load balancer or a forwarded port, which hides the agents' addresses: all of them are one node."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One node of the cluster."""

    host_id: uuid.UUID
    address: Address
    token: str
    """Its place on the ring; drivers pass nodes over that have none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """What system.local and system.peers tell of."""

    local: Node
    peers: tuple[Node, ...] = ()

    @classmethod
    def of_one_node(cls, database: PolicyDatabase, address: Address) -> Cluster:
        """All agents as one node, the same on each of them."""
        host_id = stable_uuid(database, "host")
        return cls(local=Node(host_id=host_id, address=address, token=_token(host_id)))

    @classmethod
    def of_replicas(
        cls, database: PolicyDatabase, *, pod: str, address: Address, others: Mapping[str, Address]
    ) -> Cluster:
        """The node that the client reached as `pod` at `address`, and the others by their pods' names."""
        peers = tuple(
            _replica(database, other, others[other])
            for other in sorted(others)
            if other != pod and others[other] != address
        )
        return cls(local=_replica(database, pod, address), peers=peers)


def _replica(database: PolicyDatabase, pod: str, address: Address) -> Node:
    host_id = stable_uuid(database, f"replicas/{pod}")
    return Node(host_id=host_id, address=address, token=_token(host_id))


def stable_uuid(database: PolicyDatabase, purpose: str) -> uuid.UUID:
    """The same on every agent of the database, and after every restart."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"keyward.dev/databases/{database.uid}/{purpose}")


def _token(host_id: uuid.UUID) -> str:
    """A token of Murmur3Partitioner: any signed 64-bit number but the least, which stands for the ring's beginning."""
    digest = hashlib.sha256(host_id.bytes).digest()[:8]
    return str(int.from_bytes(digest, signed=True) or 1)
