"""What AWS refused, and what to do about it."""

from __future__ import annotations

from keyward_api.names import Reason


class AWSError(Exception):
    """STS gave no credentials. The text is for the caller and never holds a credential."""

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason
        """One CamelCase word for metrics, records and status."""

    @property
    def retryable(self) -> bool:
        """Whether AWS could not answer, rather than refused."""
        return self.reason in (Reason.STS_UNAVAILABLE, Reason.STS_THROTTLED)


class IdentityNotInjected(AWSError):
    """This process has no AWS identity of its own."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="IdentityNotInjected")
