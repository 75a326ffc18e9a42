"""What AWS refused, and what to do about it."""

from __future__ import annotations


class AWSError(Exception):
    """STS gave no credentials. The text is for the caller and never holds a credential."""

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason
        """One CamelCase word for metrics, records and status."""


class IdentityNotInjected(AWSError):
    """This process has no AWS identity of its own."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="IdentityNotInjected")
