"""What a check says about one condition."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from keyward_operator.plan.view import View

MESSAGE_LIMIT = 4096
"""Characters of a condition's message that the CRD admits."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Status, reason and message of a condition."""

    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str


Check = Callable[[View], Verdict | None]
"""None: this check has nothing to say, ask the next one."""


def holds(reason: str, message: str) -> Verdict:
    """The condition is met."""
    return Verdict(status="True", reason=reason, message=message[:MESSAGE_LIMIT])


def fails(reason: str, message: str) -> Verdict:
    """The condition is not met."""
    return Verdict(status="False", reason=reason, message=message[:MESSAGE_LIMIT])


def unknown(reason: str, message: str) -> Verdict:
    """Nobody can tell yet."""
    return Verdict(status="Unknown", reason=reason, message=message[:MESSAGE_LIMIT])
