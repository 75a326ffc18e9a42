"""The few frames that floods need, made without a driver: a process full of clients has no room for one."""

from __future__ import annotations

import struct
from collections.abc import Iterator

HEADER = struct.Struct(">BBhBi")
OPTIONS, STARTUP, AUTH_RESPONSE, QUERY = 0x05, 0x01, 0x0F, 0x07
ERROR, AUTHENTICATE, SUPPORTED, RESULT, AUTH_CHALLENGE, AUTH_SUCCESS = 0x00, 0x03, 0x06, 0x08, 0x0E, 0x10
LOCAL_QUORUM = 6


def request(opcode: int, body: bytes = b"", *, stream: int = 0) -> bytes:
    """A frame from a client."""
    return HEADER.pack(4, 0, stream, opcode, len(body)) + body


def response(opcode: int, body: bytes = b"", *, stream: int = 0) -> bytes:
    """A frame from a server."""
    return HEADER.pack(0x84, 0, stream, opcode, len(body)) + body


def startup() -> bytes:
    """STARTUP."""
    return request(STARTUP, b"\0\1" + string("CQL_VERSION") + string("3.4.4"))


def login(token: str) -> bytes:
    """AUTH_RESPONSE for the one role that is granted."""
    plain = f"\0KeyspacesReader\0{token}".encode()
    return request(AUTH_RESPONSE, len(plain).to_bytes(4) + plain)


def query(text: str, *, stream: int = 0) -> bytes:
    """QUERY."""
    raw = text.encode()
    return request(QUERY, len(raw).to_bytes(4) + raw + LOCAL_QUORUM.to_bytes(2) + b"\0", stream=stream)


def string(text: str) -> bytes:
    """[string]"""
    return len(text).to_bytes(2) + text.encode()


def split(buffer: bytearray) -> Iterator[tuple[int, int, bytes]]:
    """Take whole frames off the front: opcode, stream, body."""
    while len(buffer) >= HEADER.size:
        _, _, stream, opcode, length = HEADER.unpack_from(buffer)
        if len(buffer) < HEADER.size + length:
            return
        yield opcode, stream, bytes(buffer[HEADER.size : HEADER.size + length])
        del buffer[: HEADER.size + length]
