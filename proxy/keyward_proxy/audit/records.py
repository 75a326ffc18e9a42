"""Records that the agent itself makes; those of sessions are in `keyward_proxy.session.records`."""

from __future__ import annotations

from datetime import datetime

import msgspec


class AgentRecord(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, tag_field="event"):
    """What every record of an agent says."""

    time: datetime
    """UTC."""

    agent: str
    """Name of the pod."""


class AgentStart(AgentRecord, frozen=True, kw_only=True, tag="agent.start"):
    """The process began, and with it a new chain: `seq` 0 follows nothing."""

    version: str
    policy: str
    """Namespace and name of the KeyspacesPolicy that it obeys."""


class AgentStop(AgentRecord, frozen=True, kw_only=True, tag="agent.stop"):
    """The process is about to end in order; without it the chain was cut."""

    reason: str
    lost: int
    """Records that could not be written since the start."""


class PolicyChanged(AgentRecord, frozen=True, kw_only=True, tag="policy.changed"):
    """Another policy is in force from here on."""

    cluster: str
    namespace: str
    database: str
    policy_revision: str
    previous_revision: str | None = None
    grants: int
    identities: int
    locks: int


class PolicyRemoved(AgentRecord, frozen=True, kw_only=True, tag="policy.removed"):
    """The policy is gone: nobody may do anything."""

    previous_revision: str
