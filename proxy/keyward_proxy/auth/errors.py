"""Why a caller was not believed."""

from __future__ import annotations


class AuthenticationError(Exception):
    """A token was not accepted. The text is for the caller and never holds any part of the token's signature."""

    def __init__(self, message: str, *, reason: str, retryable: bool = False) -> None:
        super().__init__(message)
        self.reason = reason
        """One CamelCase word for metrics and records."""

        self.retryable = retryable
        """True where the same token may be accepted later."""
