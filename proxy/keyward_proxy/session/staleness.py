"""Whether logins are refused because nobody can know whether the policy in force is current."""

from __future__ import annotations

from dataclasses import dataclass

REASON = "PolicyStale"
"""In the audit trail, metrics and at /readyz."""


@dataclass(kw_only=True, slots=True)
class Staleness:
    """One for each agent; turned by whoever measures the policy's age."""

    refusal: str | None = None
    """Why nobody may log in now, in words for callers; None while the policy is known to be current."""
