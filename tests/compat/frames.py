"""Frames of the handshake, read out of a copy of the bytes that pass. Only what the test entry point needs.

Source: native_protocol_v4.spec, section 2; v3 and v4 have the same 9 bytes of header.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

HEADER = struct.Struct(">BBhBi")
STARTUP, AUTHENTICATE, OPTIONS, CHALLENGE, RESPONSE, SUCCESS = 0x01, 0x03, 0x05, 0x0E, 0x0F, 0x10
READY = 0x02


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """One message of the handshake."""

    version: int
    stream: int
    opcode: int
    body: bytes
    raw: bytes
    """The whole, with its header."""


class Frames:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are complete now."""
        self._rest += data
        while len(self._rest) >= HEADER.size:
            version, _, stream, opcode, length = HEADER.unpack_from(self._rest)
            end = HEADER.size + length
            if length < 0 or len(self._rest) < end:
                return
            raw, self._rest = self._rest[:end], self._rest[end:]
            yield Frame(version=version, stream=stream, opcode=opcode, body=raw[HEADER.size :], raw=raw)

    def take_rest(self) -> bytes:
        """What came behind the last frame."""
        rest, self._rest = self._rest, b""
        return rest


def frame(version: int, stream: int, opcode: int, body: bytes = b"") -> bytes:
    """One message, uncompressed."""
    return HEADER.pack(version, 0, stream, opcode, len(body)) + body


def long_bytes(data: bytes) -> bytes:
    """[bytes] of the protocol."""
    return struct.pack(">i", len(data)) + data


def string(text: str) -> bytes:
    """[string] of the protocol."""
    data = text.encode()
    return struct.pack(">H", len(data)) + data
