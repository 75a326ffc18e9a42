"""Reads the primitive notations of the native protocol from a message body.

Source: native_protocol_v4.spec, section 3. Every length is checked against what is there before it is used.
"""

from __future__ import annotations

from struct import Struct

from keyward_proxy.wire.errors import ProtocolViolation

_SHORT = Struct(">H")
_INT = Struct(">i")


class Body:
    """A cursor over `buffer[position:end]`. Each method raises ProtocolViolation where the body ends early."""

    __slots__ = ("buffer", "end", "position")

    def __init__(self, buffer: bytes, position: int, end: int) -> None:
        self.buffer = buffer
        self.position = position
        self.end = end

    def skip(self, count: int) -> int:
        """Move on by `count` bytes; returns where they begin."""
        start = self.position
        if count < 0 or count > self.end - start:
            raise ProtocolViolation(f"a message body ends early: {count} bytes announced, {self.end - start} left")
        self.position = start + count
        return start

    def byte(self) -> int:
        """[byte]"""
        return self.buffer[self.skip(1)]

    def short(self) -> int:
        """[short], unsigned."""
        value: int = _SHORT.unpack_from(self.buffer, self.skip(2))[0]
        return value

    def integer(self) -> int:
        """[int], signed."""
        value: int = _INT.unpack_from(self.buffer, self.skip(4))[0]
        return value

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        start = self.skip(count)
        return self.buffer[start : start + count]

    def string(self) -> str:
        """[string]"""
        return _text(self.take(self.short()))

    def short_bytes(self) -> bytes:
        """[short bytes]"""
        return self.take(self.short())

    def bytes_(self) -> bytes | None:
        """[bytes] or [value]; None for any negative length, that is null and not set."""
        length = self.integer()
        return None if length < 0 else self.take(length)

    def string_list(self) -> list[str]:
        """[string list]"""
        return [self.string() for _ in range(self.short())]

    def string_map(self, *, maximum: int) -> dict[str, str]:
        """[string map] of at most `maximum` entries."""
        count = self.short()
        if count > maximum:
            raise ProtocolViolation(f"a map of {count} entries; at most {maximum} are read")
        return {self.string(): self.string() for _ in range(count)}

    def skip_bytes_map(self) -> None:
        """[bytes map], unread: a custom payload."""
        for _ in range(self.short()):
            self.skip(self.short())
            self.skip(max(self.integer(), 0))

    def skip_string_list(self) -> None:
        """[string list], unread."""
        for _ in range(self.short()):
            self.skip(self.short())


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise ProtocolViolation(f"a string is not UTF-8: {error.reason} at byte {error.start}") from None
