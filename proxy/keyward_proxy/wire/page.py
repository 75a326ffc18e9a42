"""Reads a RESULT Rows in full, of a question that the agent itself asked.

Whoever answers may be hostile: every length and count is checked against what is there before it is used, types are
nested only so deep, and values are never larger than the bytes they came in. Source: native_protocol_v4.spec,
sections 4.2.5.2 and 6.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from struct import Struct
from typing import TypeAlias
from uuid import UUID

from keyward_proxy.wire.body import Body
from keyward_proxy.wire.errors import ProtocolViolation
from keyward_proxy.wire.responses import ResultKind

Cell: TypeAlias = "str | int | float | bool | bytes | UUID | list[Cell] | dict[Cell, Cell] | None"
Decoder: TypeAlias = Callable[[Body], Cell]

_GLOBAL_TABLE = 0x01
_MORE_PAGES = 0x02
_NO_METADATA = 0x04
_MAXIMUM_DEPTH = 8
_MAXIMUM_COLUMNS = 512
_DOUBLE = Struct(">d")
_FLOAT = Struct(">f")


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Some of the rows of an answer, by column name."""

    rows: list[dict[str, Cell]]
    paging_state: bytes | None
    """What to ask the next page with; None where this is the last."""


def read_page(body: Body) -> Page:
    """The page in a RESULT's body. Raises ProtocolViolation."""
    if body.integer() != ResultKind.ROWS:
        raise ProtocolViolation("a RESULT without rows in answer to a SELECT")
    flags, count = body.integer(), body.integer()
    paging_state = body.bytes_() if flags & _MORE_PAGES else None
    if flags & _NO_METADATA or not 0 < count <= _MAXIMUM_COLUMNS:
        raise ProtocolViolation(f"rows of {count} columns, or without their description")
    columns = _read_columns(body, count, global_table=bool(flags & _GLOBAL_TABLE))
    rows = [
        {name: _value(body, decode) for name, decode in columns}
        for _ in range(_counted(body, body.integer(), least=4 * count))
    ]
    return Page(rows=rows, paging_state=paging_state)


def read_paging_state(body: Body) -> bytes | None:
    """What to ask the page behind the one in a RESULT's body with. Raises ProtocolViolation."""
    if body.integer() != ResultKind.ROWS:
        raise ProtocolViolation("a RESULT without rows in answer to a SELECT")
    flags = body.integer()
    body.integer()
    return body.bytes_() if flags & _MORE_PAGES else None


def _read_columns(body: Body, count: int, *, global_table: bool) -> list[tuple[str, Decoder]]:
    if global_table:
        _skip_table(body)
    columns = []
    for _ in range(count):
        if not global_table:
            _skip_table(body)
        columns.append((body.string(), _read_type(body, depth=0)))
    return columns


def _skip_table(body: Body) -> None:
    body.skip(body.short())
    body.skip(body.short())


def _read_type(body: Body, *, depth: int) -> Decoder:
    """What decodes the values of the type that is described here."""
    if depth > _MAXIMUM_DEPTH:
        raise ProtocolViolation(f"a column's type is nested more than {_MAXIMUM_DEPTH} deep")
    kind = body.short()
    if kind in _SCALARS:
        return _SCALARS[kind]
    if kind in (0x20, 0x22):
        return _collection(_read_type(body, depth=depth + 1))
    if kind == 0x21:
        return _map(_read_type(body, depth=depth + 1), _read_type(body, depth=depth + 1))
    if kind == 0x00:
        body.skip(body.short())
    elif kind == 0x30:
        _skip_table(body)
        for _ in range(body.short()):
            body.skip(body.short())
            _read_type(body, depth=depth + 1)
    elif kind == 0x31:
        for _ in range(body.short()):
            _read_type(body, depth=depth + 1)
    return _bytes


def _value(body: Body, decode: Decoder) -> Cell:
    length = body.integer()
    if length < 0:
        return None
    start = body.skip(length)
    return decode(Body(body.buffer, start, start + length))


def _counted(body: Body, count: int, *, least: int) -> int:
    """`count`, where so many items of at least `least` bytes can be there."""
    if not 0 <= count <= (body.end - body.position) // least:
        raise ProtocolViolation(f"{count} items are announced in {body.end - body.position} bytes")
    return count


def _bytes(body: Body) -> bytes:
    return body.take(body.end - body.position)


def _text(body: Body) -> str:
    try:
        return _bytes(body).decode()
    except UnicodeDecodeError as error:
        raise ProtocolViolation(f"a text is not UTF-8: {error.reason} at byte {error.start}") from None


def _integer(body: Body) -> int:
    return int.from_bytes(_bytes(body), signed=True)


def _boolean(body: Body) -> bool:
    return any(_bytes(body))


def _float(struct: Struct) -> Decoder:
    def decode(body: Body) -> Cell:
        number: float = struct.unpack(body.take(struct.size))[0]
        return number

    return decode


def _uuid(body: Body) -> UUID:
    return UUID(bytes=body.take(16))


def _collection(item: Decoder) -> Decoder:
    return lambda body: [_value(body, item) for _ in range(_counted(body, body.integer(), least=4))]


def _map(key: Decoder, value: Decoder) -> Decoder:
    def decode(body: Body) -> Cell:
        count = _counted(body, body.integer(), least=8)
        return {_hashable(_value(body, key)): _value(body, value) for _ in range(count)}

    return decode


def _hashable(key: Cell) -> Cell:
    if isinstance(key, list | dict):
        raise ProtocolViolation("a map whose keys are collections")
    return key


_SCALARS: dict[int, Decoder] = {
    0x01: _text,
    0x02: _integer,
    0x04: _boolean,
    0x07: _float(_DOUBLE),
    0x08: _float(_FLOAT),
    0x09: _integer,
    0x0A: _text,
    0x0C: _uuid,
    0x0D: _text,
    0x0F: _uuid,
    0x13: _integer,
    0x14: _integer,
}
