"""Why a statement cannot be read."""

from __future__ import annotations

SYNTAX_ERROR = 0x2000
UNAUTHORIZED = 0x2100
INVALID = 0x2200


class UnreadableStatement(Exception):
    """A text that is not wholly understood, or a form that is not passed on."""

    def __init__(self, message: str, *, code: int = SYNTAX_ERROR) -> None:
        super().__init__(message)
        self.code = code
        """The native protocol's error code for the client."""
