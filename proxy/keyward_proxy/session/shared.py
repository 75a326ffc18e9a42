"""What all sessions of an agent share: what is remembered, and what must not grow with their number."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakSet

from keyward_proxy.cql.cache import ReadingCache
from keyward_proxy.session.budget import RequestBudget
from keyward_proxy.session.prepared import PreparedRoom
from keyward_proxy.session.staleness import Staleness

if TYPE_CHECKING:
    from keyward_proxy.session.describing import Describing


@dataclass(frozen=True, kw_only=True, slots=True)
class Shared:
    """One for each agent; not thread-safe."""

    readings: ReadingCache = field(default_factory=ReadingCache)
    budget: RequestBudget = field(default_factory=RequestBudget)
    prepared: PreparedRoom = field(default_factory=PreparedRoom)
    staleness: Staleness = field(default_factory=Staleness)
    describing: WeakSet[Describing] = field(default_factory=WeakSet)
    """The DESCRIBEs under way. Each holds megabytes; one whose session is gone, however it went, is none any more."""
