"""What goes wrong in AWS now and then, on demand: calls that are refused though nothing is wrong with them, and
roles that are not seen at once.

Source: "Common Errors" of the IAM API Reference and botocore's service model of IAM (codes and HTTP statuses); "IAM is
eventually consistent", IAM User Guide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from local.aws.errors import AwsError
from local.aws.patterns import matches

REFUSALS: Mapping[str, tuple[int, str]] = {
    "Throttling": (400, "Rate exceeded"),
    "ServiceFailure": (500, "The request processing has failed because of an unknown error, exception or failure."),
    "ConcurrentModification": (409, "Multiple requests to change this object were submitted simultaneously."),
    "LimitExceeded": (409, "Cannot exceed quota for RolesPerAccount: 1000"),
}
"""HTTP status and message by error code."""


@dataclass(kw_only=True, slots=True)
class Refusal:
    """An error that so many calls get."""

    action: str
    """As policies name it, `*` and `?` included: iam:*."""
    code: str
    """One of REFUSALS."""
    times: int
    """Calls that are still to be refused."""


class Faults:
    """The faults in force; none at first."""

    def __init__(self) -> None:
        self.visibility_delay_seconds = 0.0
        """How long a new role is not seen by anything but CreateRole, which says that it exists already."""
        self._refusals: Sequence[Refusal] = ()

    def set(self, *, refusals: Sequence[Refusal], visibility_delay_seconds: float) -> None:
        """Replace all faults by these."""
        self._refusals = refusals
        self.visibility_delay_seconds = visibility_delay_seconds

    def check(self, action: str) -> None:
        """Raises AwsError where this call is to be refused."""
        for refusal in self._refusals:
            if refusal.times and matches(refusal.action, action, ignore_case=True):
                refusal.times -= 1
                status, message = REFUSALS[refusal.code]
                raise AwsError(refusal.code, message, status=status, reason="a fault was asked for")
