"""The calls that were made, for tests and the demo to look at: what CloudTrail would show.

Secrets and tokens never get in here: parameters come from UncheckedCall.recordable, answers are not kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from local.aws.errors import AwsError

KEPT_CALLS = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedCall:
    """One call and its outcome."""

    time: float
    """Unix seconds."""
    action: str
    """sts:AssumeRole, iam:CreateRole, keyspaces:Authenticate, or the refused cassandra: action."""
    principal: str | None
    """The caller's ARN; the subject of a web identity; None where the caller was not proven."""
    parameters: Mapping[str, Any]
    error: Mapping[str, str | None] | None
    """`code`, `message` as the caller saw them, and the `reason` behind them; None for a success."""


class CallLog:
    """The newest calls."""

    def __init__(self) -> None:
        self._calls: deque[RecordedCall] = deque(maxlen=KEPT_CALLS)

    def record(
        self,
        *,
        time: float,
        action: str,
        principal: str | None,
        parameters: Mapping[str, Any],
        error: AwsError | None = None,
    ) -> None:
        """Adds a call; the oldest falls out where there are too many."""
        described = {"code": error.code, "message": error.message, "reason": error.reason} if error else None
        self._calls.append(
            RecordedCall(time=time, action=action, principal=principal, parameters=parameters, error=described)
        )

    def as_json(self) -> list[dict[str, Any]]:
        """All calls, oldest first."""
        return [asdict(call) for call in self._calls]

    def clear(self) -> None:
        """Forgets them."""
        self._calls.clear()
