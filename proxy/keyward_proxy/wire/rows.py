"""Writes RESULT Rows and RESULT Prepared for what an agent answers itself.

Type codes: native_protocol_v4.spec, section 4.2.5.2.
"""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from struct import Struct

from keyward_proxy.wire.responses import ResultKind, string

_INT = Struct(">i")
_LONG = Struct(">q")
_GLOBAL_TABLE = 0x01
_NO_METADATA = 0x04

Value = str | int | uuid.UUID | ipaddress.IPv4Address | ipaddress.IPv6Address | frozenset[str] | None


class ColumnType(Enum):
    """The column types that an agent's own answers have, as [option] bytes."""

    BIGINT = b"\x00\x02"
    BLOB = b"\x00\x03"
    INT = b"\x00\x09"
    UUID = b"\x00\x0c"
    VARCHAR = b"\x00\x0d"
    INET = b"\x00\x10"
    SET_OF_VARCHAR = b"\x00\x22\x00\x0d"
    MAP_OF_UUID_TO_BLOB = b"\x00\x21\x00\x0c\x00\x03"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a result, or a bind variable of a prepared statement."""

    name: str
    type: ColumnType


def rows_body(
    keyspace: str,
    table: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Value]],
    *,
    skip_metadata: bool = False,
) -> bytes:
    """The body of a RESULT Rows with all rows in one page."""
    parts = [_INT.pack(ResultKind.ROWS), _metadata(keyspace, table, columns, skip_metadata=skip_metadata)]
    parts.append(_INT.pack(len(rows)))
    for row in rows:
        parts += [_value(value, column.type) for value, column in zip(row, columns, strict=True)]
    return b"".join(parts)


def prepared_body(
    version: int,
    prepared_id: bytes,
    keyspace: str,
    table: str,
    variables: Sequence[Column],
    columns: Sequence[Column],
) -> bytes:
    """The body of a RESULT Prepared. Version 4 adds the (here empty) partition key indexes to the variables."""
    key_count = _INT.pack(0) if version >= 4 else b""
    bound = _INT.pack(_GLOBAL_TABLE) + _INT.pack(len(variables)) + key_count
    return b"".join(
        [
            _INT.pack(ResultKind.PREPARED),
            len(prepared_id).to_bytes(2),
            prepared_id,
            bound,
            _columns(keyspace, table, variables),
            _metadata(keyspace, table, columns, skip_metadata=False),
        ]
    )


def _metadata(keyspace: str, table: str, columns: Sequence[Column], *, skip_metadata: bool) -> bytes:
    if skip_metadata:
        return _INT.pack(_NO_METADATA) + _INT.pack(len(columns))
    return _INT.pack(_GLOBAL_TABLE) + _INT.pack(len(columns)) + _columns(keyspace, table, columns)


def _columns(keyspace: str, table: str, columns: Sequence[Column]) -> bytes:
    described = [string(column.name) + column.type.value for column in columns]
    return b"".join([string(keyspace), string(table), *described])


def _value(value: Value, column_type: ColumnType) -> bytes:
    raw = value_bytes(value, column_type)
    return _INT.pack(-1) if raw is None else _INT.pack(len(raw)) + raw


def value_bytes(value: Value, column_type: ColumnType) -> bytes | None:
    """A value's bytes behind its length; None for null."""
    match value:
        case None:
            return None
        case str():
            return value.encode()
        case int():
            return (_LONG if column_type is ColumnType.BIGINT else _INT).pack(value)
        case uuid.UUID():
            return value.bytes
        case frozenset():
            items = [_value(item, ColumnType.VARCHAR) for item in sorted(value)]
            return b"".join([_INT.pack(len(items)), *items])
        case ipaddress.IPv4Address() | ipaddress.IPv6Address():
            return value.packed
        case _:
            raise TypeError(f"{value!r} is of no type that an agent's answers have")
