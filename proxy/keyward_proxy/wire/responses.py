"""Reads responses, as far as an agent must understand them, and writes those that it gives itself.

In a response the tracing id, warnings and custom payload stand in front of the message, in this order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from struct import Struct

from keyward_proxy.wire.body import Body
from keyward_proxy.wire.errors import ProtocolViolation
from keyward_proxy.wire.header import HEADER_BYTES, Flag
from keyward_proxy.wire.scanner import Frame

_INT = Struct(">i")
_TRACING_BYTES = 16
_NO_METADATA = 0x04
_MORE_PAGES = 0x02
_GLOBAL_TABLE = 0x01
_COUNTED_COLUMNS = 64


class ResultKind(IntEnum):
    """Kinds of RESULT."""

    VOID = 1
    ROWS = 2
    SET_KEYSPACE = 3
    PREPARED = 4
    SCHEMA_CHANGE = 5


class ErrorCode(IntEnum):
    """Codes of ERROR, native_protocol_v4.spec section 9."""

    SERVER_ERROR = 0x0000
    PROTOCOL_ERROR = 0x000A
    BAD_CREDENTIALS = 0x0100
    OVERLOADED = 0x1001
    SYNTAX_ERROR = 0x2000
    UNAUTHORIZED = 0x2100
    INVALID = 0x2200
    UNPREPARED = 0x2500


def message_body(frame: Frame) -> Body:
    """A response's body behind tracing id, warnings and custom payload."""
    body = Body(frame.buffer, frame.start + HEADER_BYTES, frame.end)
    if frame.flags:
        if frame.flags & Flag.TRACING:
            body.skip(_TRACING_BYTES)
        if frame.flags & Flag.WARNING:
            body.skip_string_list()
        if frame.flags & Flag.CUSTOM_PAYLOAD:
            body.skip_bytes_map()
    return body


def read_error(frame: Frame) -> tuple[int, str]:
    """ERROR's code and message."""
    body = message_body(frame)
    return body.integer(), body.string()


def read_authenticate(frame: Frame) -> str:
    """AUTHENTICATE's class name."""
    return message_body(frame).string()


def read_challenge(frame: Frame) -> bytes:
    """AUTH_CHALLENGE's token; empty for null."""
    return message_body(frame).bytes_() or b""


def read_result_kind(body: Body) -> int:
    """RESULT's kind; the cursor stands behind it."""
    return body.integer()


def read_row_count(body: Body) -> int | None:
    """How many rows a RESULT Rows holds; None where finding out would cost more than it is worth.

    The count stands behind the column descriptions, so it is read where they are absent, or few and at hand.
    """
    try:
        flags, columns = body.integer(), body.integer()
        if flags & _MORE_PAGES:
            body.bytes_()
        if not flags & _NO_METADATA:
            if columns > _COUNTED_COLUMNS:
                return None
            _skip_columns(body, columns, global_table=bool(flags & _GLOBAL_TABLE))
        return body.integer()
    except ProtocolViolation:
        return None


def _skip_columns(body: Body, columns: int, *, global_table: bool) -> None:
    if global_table:
        body.skip(body.short())
        body.skip(body.short())
    for _ in range(columns):
        if not global_table:
            body.skip(body.short())
            body.skip(body.short())
        body.skip(body.short())
        _skip_type(body, depth=0)


def _skip_type(body: Body, *, depth: int) -> None:
    """One [option] that describes a type, with those inside it."""
    if depth > 16:
        raise ProtocolViolation("a column's type is nested more than 16 deep")
    kind = body.short()
    if kind == 0x00:  # custom: a class name
        body.skip(body.short())
    elif kind in (0x20, 0x22):  # list, set
        _skip_type(body, depth=depth + 1)
    elif kind == 0x21:  # map
        _skip_type(body, depth=depth + 1)
        _skip_type(body, depth=depth + 1)
    elif kind == 0x30:  # user-defined type: keyspace, name, fields
        body.skip(body.short())
        body.skip(body.short())
        for _ in range(body.short()):
            body.skip(body.short())
            _skip_type(body, depth=depth + 1)
    elif kind == 0x31:  # tuple
        for _ in range(body.short()):
            _skip_type(body, depth=depth + 1)


def error_body(code: int, message: str, extra: bytes = b"") -> bytes:
    """The body of an ERROR. `extra` is what the code adds behind the message, such as an UNPREPARED id."""
    return _INT.pack(code) + string(message) + extra


def authenticate_body(class_name: str) -> bytes:
    """The body of an AUTHENTICATE."""
    return string(class_name)


def auth_success_body() -> bytes:
    """The body of an AUTH_SUCCESS without a token."""
    return _INT.pack(-1)


def supported_body(options: Mapping[str, Sequence[str]]) -> bytes:
    """The body of a SUPPORTED."""
    parts = [len(options).to_bytes(2)]
    for name, values in options.items():
        parts += [string(name), len(values).to_bytes(2), *(string(value) for value in values)]
    return b"".join(parts)


def string(text: str) -> bytes:
    """[string]; cut where it is longer than its length field can tell."""
    raw = text.encode()[:0xFFFF]
    return len(raw).to_bytes(2) + raw
