"""What can be wrong with bytes that claim to be the CQL native protocol."""

from __future__ import annotations


class WireError(Exception):
    """Bytes that this package will not read. The connection they came on cannot go on."""

    def __init__(self, message: str, *, stream: int = 0) -> None:
        super().__init__(message)
        self.stream = stream
        """Stream id on which the sender may be told; 0 where none is known."""


class ProtocolViolation(WireError):
    """The bytes break the protocol, or use a part of it that was not offered."""


class FrameTooLarge(ProtocolViolation):
    """A header announces a body beyond the cap of the connection's state."""


class UnsupportedVersion(WireError):
    """The first byte names a protocol version that is not spoken here."""

    def __init__(self, version: int) -> None:
        # Three drivers step down by reading this text: python looks for "unsupported protocol version",
        # java 4 for "Invalid or unsupported protocol version", gocql up to 1.7 matches the last clause.
        # gocql 2 steps down for any text, but on stream 0 only, where Cassandra up to 4 says it.
        super().__init__(
            f"Invalid or unsupported protocol version ({version}); "
            "the lowest supported version is 3 and the greatest is 4",
        )
        self.version = version
