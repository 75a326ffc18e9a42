"""The agents of this database, as the policy's status tells of them.

Each agent writes its own entry, so that what one of them wrote must never hurt another: entries are read one by one,
what is no usable address is passed over, and no more are kept than the status has room for.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from keyward_api.resources.policy import AGENTS_LIMIT, AgentState

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_STATES = {state.value: state for state in AgentState}
_NAME_CHARACTERS = 253


@dataclass(frozen=True, kw_only=True, slots=True)
class Replica:
    """One agent, as it last told of itself."""

    pod: str
    address: Address
    state: AgentState

    @property
    def is_listed(self) -> bool:
        """Whether drivers are told of it: one that drains too, since they drop what they lose sight of."""
        return self.state is not AgentState.STARTING


def replicas_of(document: Mapping[str, Any] | None) -> tuple[Replica, ...]:
    """The usable entries in a KeyspacesPolicy's `status.agents`, by pod name, each pod and each address once."""
    status = (document or {}).get("status")
    entries = status.get("agents") if isinstance(status, Mapping) else None
    found: dict[str, Replica] = {}
    for entry in entries[:AGENTS_LIMIT] if isinstance(entries, list) else ():
        replica = _replica(entry)
        if replica is not None:
            found.setdefault(replica.pod, replica)
    by_address = {found[pod].address: found[pod] for pod in sorted(found, reverse=True)}
    return tuple(sorted(by_address.values(), key=lambda replica: replica.pod))


def _replica(entry: object) -> Replica | None:
    if not isinstance(entry, Mapping):
        return None
    pod, address, state = entry.get("pod"), _address(entry.get("podIP")), entry.get("state")
    if not isinstance(pod, str) or not 0 < len(pod) <= _NAME_CHARACTERS or address is None:
        return None
    return Replica(pod=pod, address=address, state=_state(state))


def _state(state: object) -> AgentState:
    """What is no state of ours counts as not serving."""
    return _STATES.get(state, AgentState.STARTING) if isinstance(state, str) else AgentState.STARTING


def _address(text: object) -> Address | None:
    """An address to which a driver could connect. A scope, as in `fe80::1%eth0`, has no place in [inet]."""
    if not isinstance(text, str) or "%" in text:
        return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return None if address.is_unspecified or address.is_multicast else address
