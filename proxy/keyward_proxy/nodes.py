"""The nodes that sessions tell drivers of: which there are, and what they are through each of the agent's ports."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from math import inf

from keyward_api.resources.policy import AgentState, PolicyDatabase
from keyward_proxy.feed.replicas import Replica
from keyward_proxy.session.cluster import Address, Cluster, Entrance

SERVICE_NODE = "service/"
"""Stands for a pod's name where the agents' Service is told to drivers as one more node; no pod has such a name."""


class Nodes:
    """All agents as the policy's status has them, and the clusters that are made of them."""

    def __init__(self, *, pod: str, address: Address, tell: Callable[[Entrance, Cluster], None]) -> None:
        """This agent's own name and address; `tell` hears of each cluster that is new or another than before."""
        self._pod = pod
        self._address = address
        self._tell = tell
        self._clusters: dict[Entrance, Cluster] = {}
        self._joined_at = -inf
        """When an agent was listed that was not before; monotonic seconds."""

        self.replicas: tuple[Replica, ...] | None = None
        """All agents, this one too; None where the policy's source knows of none."""

    def replace(self, replicas: tuple[Replica, ...], *, now: float) -> None:
        """These are the agents from `now` on, in monotonic seconds."""
        before = {replica.pod for replica in self.replicas or () if replica.is_listed}
        if any(replica.is_listed and replica.pod not in before for replica in replicas):
            self._joined_at = now
        self.replicas = replicas

    def settled(self, *, now: float, seconds: float) -> bool:
        """Whether no agent starts, and none was listed in the last `seconds`."""
        starting = any(replica.state is AgentState.STARTING for replica in self.replicas or ())
        return not starting and now - self._joined_at >= seconds

    @property
    def own_is_listed(self) -> bool:
        """Whether the other agents tell drivers of this one; so it is where there are no others."""
        own = Replica(pod=self._pod, address=self._address, state=AgentState.SERVING)
        return self.replicas is None or own in self.replicas

    @property
    def serving(self) -> int:
        """How many agents share the database's load: at least this one."""
        return max(1, sum(replica.state is AgentState.SERVING for replica in self.replicas or ()))

    def seen_through(self, entrance: Entrance) -> Cluster:
        """What clients of a port see. Raises KeyError before the first `show`."""
        return self._clusters[entrance]

    def show(self, database: PolicyDatabase) -> None:
        """Tell of what is not as it was told last."""
        for entrance, cluster in self._seen(database).items():
            if self._clusters.get(entrance) != cluster:
                self._clusters[entrance] = cluster
                self._tell(entrance, cluster)

    def _seen(self, database: PolicyDatabase) -> dict[Entrance, Cluster]:
        agents = {replica.pod: replica.address for replica in self.replicas or () if replica.is_listed}
        agents[self._pod] = self._address
        service = _parsed(database.service_address)
        # A node that outlives all others: drivers look no name up again, and would wait for what is gone.
        nodes = agents | {SERVICE_NODE: service} if service else agents
        here = Cluster.of_replicas(database, pod=self._pod, address=self._address, others=nodes)
        return {
            Entrance.REPLICAS: here,
            # Were the agent itself told as the local node at this address, drivers would take it for one that moved.
            Entrance.SERVICE: (
                Cluster.of_replicas(database, pod=SERVICE_NODE, address=service, others=nodes) if service else here
            ),
            Entrance.EXTERNAL: Cluster.of_one_node(database, service or self._address),
        }


def _parsed(address: str) -> Address | None:
    try:
        return ipaddress.ip_address(address)
    except ValueError:
        return None
