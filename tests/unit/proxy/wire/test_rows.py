"""Results that the agent makes, as the Python driver reads them."""

from __future__ import annotations

import ipaddress
import uuid

import pytest

from keyward_proxy.wire.header import Opcode, response
from keyward_proxy.wire.rows import Column, ColumnType, prepared_body, rows_body
from tests.unit.proxy import frames

ID = uuid.uuid4()
COLUMNS = [
    Column("big", ColumnType.BIGINT),
    Column("int", ColumnType.INT),
    Column("uuid", ColumnType.UUID),
    Column("text", ColumnType.VARCHAR),
    Column("inet", ColumnType.INET),
    Column("inet6", ColumnType.INET),
    Column("set", ColumnType.SET_OF_VARCHAR),
    Column("map", ColumnType.MAP_OF_UUID_TO_BLOB),
]
ROW = [
    1 << 40,
    -1,
    ID,
    "Ü",
    ipaddress.ip_address("10.0.0.1"),
    ipaddress.ip_address("fd00::1"),
    frozenset({"a", "b"}),
    None,
]


def test_every_type_survives() -> None:
    seen, _ = frames.split(response(4, 1, Opcode.RESULT, rows_body("ks", "t", COLUMNS, [ROW])))
    message = seen[0].message
    assert message.column_names == [column.name for column in COLUMNS]
    assert message.parsed_rows == [(1 << 40, -1, ID, "Ü", "10.0.0.1", "fd00::1", {"a", "b"}, None)]


def test_metadata_is_left_out_where_the_client_has_it() -> None:
    assert len(rows_body("ks", "t", COLUMNS, [], skip_metadata=True)) == 16


@pytest.mark.parametrize("version", [3, 4])
def test_a_prepared_result_is_understood_in_both_versions(version: int) -> None:
    body = prepared_body(version, b"id", "ks", "t", COLUMNS[:2], COLUMNS)
    seen, _ = frames.split(response(version, 1, Opcode.RESULT, body))
    message = seen[0].message
    assert message.query_id == b"id"
    assert [column.name for column in message.bind_metadata] == ["big", "int"]
    assert len(message.column_metadata) == len(COLUMNS)


def test_a_value_of_another_type_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError, match="of no type"):
        rows_body("ks", "t", [COLUMNS[0]], [[1.5]])  # type: ignore[list-item]
