"""The policy in force, as whoever watches it hands it to the sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keyward_api.resources.policy import KeyspacesPolicy


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyView:
    """One revision of the database's compiled policy. Shared by all sessions, never changed."""

    policy: KeyspacesPolicy
