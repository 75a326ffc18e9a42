"""Pages of rows that the agent asked for, held against the driver's reading of the same bytes."""

from __future__ import annotations

import struct
import uuid
from typing import Any

import pytest

from keyward_proxy.wire.body import Body
from keyward_proxy.wire.errors import ProtocolViolation
from keyward_proxy.wire.page import Page, read_page, read_paging_state
from tests.unit.proxy import frames
from tests.unit.proxy.describe.schemas import rows_body

TEXT = frames.string("c") + b"\x00\x0d"
TABLE = {
    "keyspace_name": "shop",
    "table_name": "Ü",
    "bloom_filter_fp_chance": 0.01,
    "caching": {"keys": "ALL"},
    "cdc": False,
    "comment": "",
    "default_time_to_live": -5,
    "extensions": {"x": b"\0\1"},
    "flags": {"compound"},
    "id": uuid.uuid4(),
}


def page(body: bytes) -> Page:
    return read_page(Body(body, 0, len(body)))


def driver(body: bytes) -> list[dict[str, Any]]:
    message = frames.split(frames.response(0x08, body))[0][0].message
    return [dict(zip(message.column_names, row, strict=True)) for row in message.parsed_rows]


def rows(columns: bytes, count: int, cells: bytes, *, flags: int = 1, number: int = 1) -> bytes:
    table = frames.string("ks") + frames.string("t")
    return struct.pack(">iii", 2, flags, number) + table + columns + struct.pack(">i", count) + cells


def test_every_type_of_the_schema_reads_as_the_driver_reads_it() -> None:
    body = rows_body("tables", [TABLE, {"keyspace_name": "shop", "table_name": "t"}])
    found = page(body).rows
    for row in found:
        row["flags"] = None if row["flags"] is None else set(row["flags"])  # type: ignore[arg-type]
    assert found == driver(body)
    assert found[0]["id"] == TABLE["id"]


@pytest.mark.parametrize("state", [None, b"", b"next"])
def test_a_page_tells_what_to_ask_the_next_one_with(state: bytes | None) -> None:
    body = rows_body("keyspaces", [{"keyspace_name": "shop"}], paging_state=state)
    assert page(body).paging_state == state
    assert read_paging_state(Body(body, 0, len(body))) == state
    assert page(body).rows[0]["keyspace_name"] == "shop"


def test_columns_may_each_name_their_table() -> None:
    table = frames.string("ks") + frames.string("t")
    body = struct.pack(">iii", 2, 0, 2) + table + TEXT + table + frames.string("d") + b"\x00\x09"
    body += struct.pack(">i", 1) + struct.pack(">i", 1) + b"x" + struct.pack(">ii", 4, 7)
    assert page(body).rows == [{"c": "x", "d": 7}] == driver(body)


@pytest.mark.parametrize(
    "kind",
    [
        b"\x00\x00" + frames.string("org.apache.Type"),
        b"\x00\x10",
        b"\x00\x31\x00\x02\x00\x0d\x00\x09",
        b"\x00\x30" + frames.string("ks") + frames.string("y") + b"\x00\x01" + frames.string("f") + b"\x00\x0d",
    ],
)
def test_values_of_other_types_are_left_as_they_are(kind: bytes) -> None:
    body = rows(frames.string("c") + kind, 1, struct.pack(">i", 3) + b"\xff\xfe\xfd")
    assert page(body).rows == [{"c": b"\xff\xfe\xfd"}]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (struct.pack(">i", 1), "without rows"),
        (struct.pack(">iii", 2, 4, 1) + struct.pack(">i", 0), "without their description"),
        (rows(b"", 1 << 30, b"", number=0), "0 columns"),
        (rows(b"", 0, b"", number=1 << 30), "columns"),
        (rows(b"", 0, b"", number=-1), "columns"),
        (rows(TEXT, 1 << 30, b""), "items are announced in 0 bytes"),
        (rows(TEXT, -1, b""), "-1 items"),
        (rows(TEXT, 1, struct.pack(">i", 9) + b"x"), "ends early"),
        (rows(TEXT, 1, struct.pack(">i", 1) + b"\xff"), "not UTF-8"),
        (rows(frames.string("c") + b"\x00\x20" * 20 + b"\x00\x0d", 0, b""), "nested more than 8 deep"),
        (rows(frames.string("c") + b"\x00\x20\x00\x0d", 1, struct.pack(">ii", 4, 1 << 30)), "items are announced"),
        (rows(frames.string("c") + b"\x00\x07", 1, struct.pack(">i", 3) + b"abc"), "ends early"),
        (
            rows(
                frames.string("c") + b"\x00\x21\x00\x20\x00\x0d\x00\x0d",
                1,
                struct.pack(">iiiii", 16, 1, 4, 0, -1),
            ),
            "keys are collections",
        ),
    ],
)
def test_what_cannot_be_is_refused(body: bytes, says: str) -> None:
    with pytest.raises(ProtocolViolation, match=says):
        page(body)


def test_no_state_is_read_of_what_holds_no_rows() -> None:
    with pytest.raises(ProtocolViolation, match="without rows"):
        read_paging_state(Body(struct.pack(">i", 1), 0, 4))
