"""Frames as the Python driver makes and reads them: an opinion of the protocol that is not ours."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from cassandra import ConsistencyLevel
from cassandra.protocol import (
    AuthResponseMessage,
    BatchMessage,
    ExecuteMessage,
    OptionsMessage,
    PrepareMessage,
    ProtocolHandler,
    QueryMessage,
    RegisterMessage,
    StartupMessage,
)
from cassandra.query import BatchType

HEADER = struct.Struct(">BBhBi")


@dataclass(frozen=True)
class Seen:
    """A frame, taken apart."""

    version: int
    flags: int
    stream: int
    opcode: int
    body: bytes

    @property
    def message(self) -> Any:
        """What the driver understands of a response."""
        return ProtocolHandler.decode_message(
            self.version & 0x7F, {}, self.stream, self.flags, self.opcode, self.body, None, None
        )


def split(data: bytes) -> tuple[list[Seen], bytes]:
    """The whole frames in `data`, and what is left."""
    frames = []
    while len(data) >= HEADER.size:
        version, flags, stream, opcode, length = HEADER.unpack_from(data)
        if length < 0 or len(data) < HEADER.size + length:
            break
        body = data[HEADER.size : HEADER.size + length]
        frames.append(Seen(version=version, flags=flags, stream=stream, opcode=opcode, body=body))
        data = data[HEADER.size + length :]
    return frames, data


def _encode(message: Any, stream: int, version: int) -> bytes:
    encoded: bytes = ProtocolHandler.encode_message(message, stream, version, None, False)
    return encoded


def options(*, stream: int = 0, version: int = 4) -> bytes:
    return _encode(OptionsMessage(), stream, version)


def startup(*, stream: int = 0, version: int = 4, cqlversion: str = "3.4.4", **more: str) -> bytes:
    return _encode(StartupMessage(cqlversion=cqlversion, options=more), stream, version)


def auth_response(token: bytes, *, stream: int = 0, version: int = 4) -> bytes:
    return _encode(AuthResponseMessage(token), stream, version)


ALL_EVENTS = ("TOPOLOGY_CHANGE", "STATUS_CHANGE", "SCHEMA_CHANGE")


def register(*events: str, stream: int = 0, version: int = 4) -> bytes:
    return _encode(RegisterMessage(event_list=list(events or ALL_EVENTS)), stream, version)


def query(
    text: str,
    *,
    stream: int = 0,
    version: int = 4,
    consistency: int = ConsistencyLevel.LOCAL_QUORUM,
    payload: dict[str, bytes] | None = None,
    tracing: bool = False,
) -> bytes:
    message = QueryMessage(query=text, consistency_level=consistency)
    message.custom_payload = payload
    message.tracing = tracing
    return _encode(message, stream, version)


def prepare(text: str, *, stream: int = 0, version: int = 4) -> bytes:
    return _encode(PrepareMessage(query=text), stream, version)


def execute(
    prepared_id: bytes,
    *values: bytes,
    stream: int = 0,
    version: int = 4,
    consistency: int = ConsistencyLevel.LOCAL_QUORUM,
) -> bytes:
    message = ExecuteMessage(
        query_id=prepared_id, query_params=list(values), consistency_level=consistency, skip_meta=False
    )
    return _encode(message, stream, version)


Child = str | bytes | tuple[str | bytes, tuple[bytes, ...]]
"""A statement's text or prepared id, perhaps with its values."""


def batch(
    *children: Child,
    stream: int = 0,
    version: int = 4,
    kind: BatchType = BatchType.LOGGED,
    consistency: int = ConsistencyLevel.LOCAL_QUORUM,
) -> bytes:
    pairs = [child if isinstance(child, tuple) else (child, ()) for child in children]
    queries = [(isinstance(what, bytes), what, values) for what, values in pairs]
    return _encode(BatchMessage(kind, queries, consistency), stream, version)


# Responses, as a server would send them.


def response(opcode: int, body: bytes = b"", *, stream: int = 0, version: int = 4, flags: int = 0) -> bytes:
    return HEADER.pack(version | 0x80, flags, stream, opcode, len(body)) + body


def string(text: str) -> bytes:
    return struct.pack(">H", len(text.encode())) + text.encode()


def error(code: int, message: str, *, stream: int = 0, version: int = 4) -> bytes:
    return response(0x00, struct.pack(">i", code) + string(message), stream=stream, version=version)


def authenticate(name: str, *, version: int = 4) -> bytes:
    return response(0x03, string(name), version=version)


def challenge(token: bytes, *, version: int = 4) -> bytes:
    return response(0x0E, struct.pack(">i", len(token)) + token, version=version)


def auth_success(*, version: int = 4) -> bytes:
    return response(0x10, struct.pack(">i", -1), version=version)


def void(*, stream: int = 0, version: int = 4) -> bytes:
    return response(0x08, struct.pack(">i", 1), stream=stream, version=version)


def set_keyspace(name: str, *, stream: int = 0, version: int = 4) -> bytes:
    return response(0x08, struct.pack(">i", 3) + string(name), stream=stream, version=version)


def prepared(prepared_id: bytes, *, stream: int = 0, version: int = 4) -> bytes:
    metadata = struct.pack(">ii", 1, 0) + (struct.pack(">i", 0) if version >= 4 else b"") + string("ks") + string("t")
    result = struct.pack(">ii", 4, 0)
    body = struct.pack(">i", 4) + struct.pack(">H", len(prepared_id)) + prepared_id + metadata + result
    return response(0x08, body, stream=stream, version=version)


def rows(*values: bytes, stream: int = 0, version: int = 4, flags: int = 0, prefix: bytes = b"") -> bytes:
    """One text column `c`, a row for each value."""
    metadata = struct.pack(">ii", 1, 1) + string("ks") + string("t") + string("c") + struct.pack(">H", 0x0D)
    cells = b"".join(struct.pack(">i", len(value)) + value for value in values)
    body = prefix + struct.pack(">i", 2) + metadata + struct.pack(">i", len(values)) + cells
    return response(0x08, body, stream=stream, version=version, flags=flags)
