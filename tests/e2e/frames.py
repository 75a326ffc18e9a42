"""Frames of the CQL native protocol, version 4, as the tests send them; hexadecimal, as pod/client.py wants them."""

import struct

HEADER = struct.Struct(">BBhBi")
REQUEST_V4 = 0x04

ERROR, STARTUP, READY, AUTHENTICATE, OPTIONS, SUPPORTED, QUERY, RESULT, PREPARE = 0, 1, 2, 3, 5, 6, 7, 8, 9
REGISTER, BATCH, AUTH_RESPONSE, AUTH_SUCCESS = 0x0B, 0x0D, 0x0F, 0x10
LOCAL_ONE, LOCAL_QUORUM = 0x0A, 0x06

PROTOCOL_ERROR, BAD_CREDENTIALS, OVERLOADED, UNAUTHORIZED, INVALID = 0x000A, 0x0100, 0x1001, 0x2100, 0x2200
"""Error codes of the native protocol."""


def frame(opcode: int, body: bytes = b"", *, stream: int = 0, version: int = REQUEST_V4, flags: int = 0) -> str:
    """A whole frame."""
    return (HEADER.pack(version, flags, stream, opcode, len(body)) + body).hex()


def header(opcode: int, length: int, *, stream: int = 0) -> str:
    """A header that announces a body of `length` bytes."""
    return HEADER.pack(REQUEST_V4, 0, stream, opcode, length).hex()


def startup(**options: str) -> str:
    """STARTUP with these options besides the version of CQL."""
    pairs = {"CQL_VERSION": "3.4.4", **options}
    strings = [text for pair in pairs.items() for text in pair]
    body = struct.pack(">H", len(pairs)) + b"".join(struct.pack(">H", len(t)) + t.encode() for t in strings)
    return frame(STARTUP, body)


def query(cql: str, *, stream: int, consistency: int = LOCAL_QUORUM) -> str:
    """QUERY without values."""
    text = cql.encode()
    return frame(QUERY, struct.pack(">i", len(text)) + text + struct.pack(">HB", consistency, 0), stream=stream)
