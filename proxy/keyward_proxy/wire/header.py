"""The nine bytes in front of every frame of the native protocol, versions 3 and 4.

version(1) flags(1) stream(int16) opcode(1) length(int32), big-endian; the version's top bit says response. Source:
native_protocol_v3.spec and native_protocol_v4.spec of Apache Cassandra, section 2.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct

HEADER = Struct(">BBhBi")
HEADER_BYTES = HEADER.size
VERSIONS = (3, 4)
RESPONSE = 0x80
"""Top bit of the version byte in responses."""

PUSH_STREAM = -1
"""Stream id of what a server sends unasked."""


class Opcode(IntEnum):
    """Kinds of message."""

    ERROR = 0x00
    STARTUP = 0x01
    READY = 0x02
    AUTHENTICATE = 0x03
    OPTIONS = 0x05
    SUPPORTED = 0x06
    QUERY = 0x07
    RESULT = 0x08
    PREPARE = 0x09
    EXECUTE = 0x0A
    REGISTER = 0x0B
    EVENT = 0x0C
    BATCH = 0x0D
    AUTH_CHALLENGE = 0x0E
    AUTH_RESPONSE = 0x0F
    AUTH_SUCCESS = 0x10


class Flag:
    """Header flags: plain integers, because an IntFlag costs ten times as much on every frame."""

    COMPRESSED = 0x01
    TRACING = 0x02
    CUSTOM_PAYLOAD = 0x04
    WARNING = 0x08
    BETA = 0x10


def frame(version: int, stream: int, opcode: int, body: bytes = b"") -> bytes:
    """A whole frame; `version` carries the direction bit."""
    return HEADER.pack(version, 0, stream, opcode, len(body)) + body


def response(version: int, stream: int, opcode: int, body: bytes = b"") -> bytes:
    """A whole frame from server to client, in protocol version 3 or 4."""
    return HEADER.pack(version | RESPONSE, 0, stream, opcode, len(body)) + body
