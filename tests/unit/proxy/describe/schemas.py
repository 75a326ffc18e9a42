"""Schemas as system_schema of Keyspaces tells them: its columns are those of Apache Cassandra 3.11."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import Any

from cassandra import cqltypes

from keyward_proxy.cql.description import Description, Subject
from keyward_proxy.describe.inquiry import Answer, Inquiry, SchemaPage
from tests.unit.proxy import frames
from tests.unit.proxy.session.script import APP, policy

TEXT, BOOLEAN, INTEGER, DOUBLE, UUID, BLOB = (
    b"\x00\x0d",
    b"\x00\x04",
    b"\x00\x09",
    b"\x00\x07",
    b"\x00\x0c",
    b"\x00\x03",
)
TEXT_MAP, TEXT_SET, TEXT_LIST = b"\x00\x21" + TEXT + TEXT, b"\x00\x22" + TEXT, b"\x00\x20" + TEXT
BLOB_MAP = b"\x00\x21" + TEXT + BLOB
_MAP = cqltypes.MapType.apply_parameters
_TYPES = {
    TEXT: cqltypes.UTF8Type,
    BOOLEAN: cqltypes.BooleanType,
    INTEGER: cqltypes.Int32Type,
    DOUBLE: cqltypes.DoubleType,
    UUID: cqltypes.UUIDType,
    TEXT_MAP: _MAP([cqltypes.UTF8Type, cqltypes.UTF8Type]),
    BLOB_MAP: _MAP([cqltypes.UTF8Type, cqltypes.BytesType]),
    TEXT_SET: cqltypes.SetType.apply_parameters([cqltypes.UTF8Type]),
    TEXT_LIST: cqltypes.ListType.apply_parameters([cqltypes.UTF8Type]),
}
COLUMNS: dict[str, dict[str, bytes]] = {
    "keyspaces": {"keyspace_name": TEXT, "durable_writes": BOOLEAN, "replication": TEXT_MAP},
    "tables": {
        "keyspace_name": TEXT,
        "table_name": TEXT,
        "bloom_filter_fp_chance": DOUBLE,
        "caching": TEXT_MAP,
        "cdc": BOOLEAN,
        "comment": TEXT,
        "compaction": TEXT_MAP,
        "compression": TEXT_MAP,
        "dclocal_read_repair_chance": DOUBLE,
        "default_time_to_live": INTEGER,
        "extensions": BLOB_MAP,
        "flags": TEXT_SET,
        "gc_grace_seconds": INTEGER,
        "id": UUID,
        "read_repair_chance": DOUBLE,
        "speculative_retry": TEXT,
    },
    "columns": {
        "keyspace_name": TEXT,
        "table_name": TEXT,
        "column_name": TEXT,
        "clustering_order": TEXT,
        "kind": TEXT,
        "position": INTEGER,
        "type": TEXT,
    },
    "indexes": {"keyspace_name": TEXT, "table_name": TEXT, "index_name": TEXT, "kind": TEXT, "options": TEXT_MAP},
    "views": {
        "keyspace_name": TEXT,
        "view_name": TEXT,
        "base_table_name": TEXT,
        "include_all_columns": BOOLEAN,
        "where_clause": TEXT,
        "comment": TEXT,
    },
    "types": {"keyspace_name": TEXT, "type_name": TEXT, "field_names": TEXT_LIST, "field_types": TEXT_LIST},
    "functions": {
        "keyspace_name": TEXT,
        "function_name": TEXT,
        "argument_types": TEXT_LIST,
        "argument_names": TEXT_LIST,
        "body": TEXT,
        "called_on_null_input": BOOLEAN,
        "language": TEXT,
        "return_type": TEXT,
    },
    "aggregates": {
        "keyspace_name": TEXT,
        "aggregate_name": TEXT,
        "argument_types": TEXT_LIST,
        "final_func": TEXT,
        "initcond": TEXT,
        "return_type": TEXT,
        "state_func": TEXT,
        "state_type": TEXT,
    },
}
Rows = Mapping[str, list[dict[str, Any]]]


def rows_body(table: str, rows: Iterable[Mapping[str, Any]], *, paging_state: bytes | None = None) -> bytes:
    """The body of a RESULT Rows of a table of system_schema; what a row does not say is null."""
    columns, listed = COLUMNS[table], list(rows)
    flags = 0x01 | (0x02 if paging_state is not None else 0)
    paging = b"" if paging_state is None else struct.pack(">i", len(paging_state)) + paging_state
    described = b"".join(frames.string(name) + kind for name, kind in columns.items())
    metadata = struct.pack(">ii", flags, len(columns)) + paging + frames.string("system_schema") + frames.string(table)
    cells = b"".join(_cell(row.get(name), kind) for row in listed for name, kind in columns.items())
    return struct.pack(">i", 2) + metadata + described + struct.pack(">i", len(listed)) + cells


def _cell(value: object, kind: bytes) -> bytes:
    if value is None:
        return struct.pack(">i", -1)
    raw: bytes = _TYPES[kind].serialize(value, 4)
    return struct.pack(">i", len(raw)) + raw


def result(table: str, rows: Iterable[Mapping[str, Any]], *, stream: int, paging_state: bytes | None = None) -> bytes:
    """A frame with such a body."""
    return frames.response(0x08, rows_body(table, rows, paging_state=paging_state), stream=stream)


# What a schema holds.


def keyspace(name: str, **replication: str) -> Rows:
    strategy = {"class": "org.apache.cassandra.locator.SimpleStrategy", "replication_factor": "3"}
    row = {"keyspace_name": name, "durable_writes": True, "replication": replication or strategy}
    return {"keyspaces": [row]}


def table(keyspace_name: str, table_name: str, **changes: Any) -> Rows:
    """`id int PRIMARY KEY, v text`, unless told otherwise."""
    key = {"keyspace_name": keyspace_name, "table_name": table_name}
    columns = changes.pop("columns", [("id", "int", "partition_key", 0, "none"), ("v", "text", "regular", -1, "none")])
    names = ("column_name", "type", "kind", "position", "clustering_order")
    options = {
        "comment": "",
        "flags": {"compound"},
        "bloom_filter_fp_chance": 0.01,
        "caching": {"keys": "ALL", "rows_per_partition": "NONE"},
        "compaction": {"class": "SizeTieredCompactionStrategy"},
        "read_repair_chance": 0.0,
        "dclocal_read_repair_chance": 0.0,
        "extensions": {},
    }
    return {
        "tables": [key | options | changes],
        "columns": [key | dict(zip(names, column, strict=True)) for column in columns],
    }


def user_type(keyspace_name: str, type_name: str, **fields: str) -> Rows:
    row = {"field_names": list(fields), "field_types": list(fields.values())}
    return {"types": [{"keyspace_name": keyspace_name, "type_name": type_name, **row}]}


def index(keyspace_name: str, table_name: str, index_name: str, target: str) -> Rows:
    row = {"kind": "COMPOSITES", "options": {"target": target}, "index_name": index_name}
    return {"indexes": [{"keyspace_name": keyspace_name, "table_name": table_name, **row}]}


def view(keyspace_name: str, view_name: str, base_table_name: str) -> Rows:
    row = {
        "keyspace_name": keyspace_name,
        "view_name": view_name,
        "base_table_name": base_table_name,
        "include_all_columns": True,
        "where_clause": "v IS NOT NULL AND id IS NOT NULL",
        "comment": "",
    }
    columns = [("v", "text", "partition_key", 0, "none"), ("id", "int", "clustering", 0, "asc")]
    return {"views": [row], "columns": table(keyspace_name, view_name, columns=columns)["columns"]}


def function(keyspace_name: str, function_name: str, *types: str) -> Rows:
    row = {
        "keyspace_name": keyspace_name,
        "function_name": function_name,
        "argument_types": list(types),
        "argument_names": [f"a{n}" for n, _ in enumerate(types)],
        "body": "return 1;",
        "called_on_null_input": False,
        "language": "java",
        "return_type": "int",
    }
    return {"functions": [row]}


def aggregate(keyspace_name: str, aggregate_name: str, *types: str) -> Rows:
    row = {
        "keyspace_name": keyspace_name,
        "aggregate_name": aggregate_name,
        "argument_types": list(types),
        "return_type": "int",
        "state_func": "plus",
        "state_type": "int",
    }
    return {"aggregates": [row]}


# Asking.

SHOP: tuple[Rows, ...] = (
    keyspace("shop"),
    user_type("shop", "parcel", label="text", sender="frozen<sender>"),
    user_type("shop", "sender", street="text"),
    table("shop", "orders", comment="it's"),
    table("shop", "Items"),
    index("shop", "orders", "orders_by_v", "v"),
    view("shop", "orders_view", "orders"),
    function("shop", "plus", "int", "int"),
    aggregate("shop", "total", "int"),
    keyspace("bank"),
    table("bank", "accounts"),
    user_type("bank", "iban", code="text"),
    keyspace("system_schema"),
    table("system_schema", "tables"),
)


def pages(parts: Iterable[Rows] = SHOP) -> tuple[SchemaPage, ...]:
    """Everything on one page for each part."""
    return tuple(SchemaPage(table=name, body=rows_body(name, rows)) for part in parts for name, rows in part.items())


def inquiry(
    subject: Subject,
    keyspace: str | None = None,
    name: str | None = None,
    *,
    allow: tuple[dict[str, Any], ...],
    **more: Any,
) -> Inquiry:
    """A question of the app, which has these allows."""
    parts, deny, skip = more.pop("parts", SHOP), more.pop("deny", ()), more.pop("skip_metadata", False)
    description = Description(subject=subject, keyspace=keyspace, name=name, **more)
    grant = policy(*allow, deny=deny).grant_for(APP, "")
    return Inquiry(description=description, grant=grant, pages=pages(parts), skip_metadata=skip)


def told(answer: Answer) -> list[tuple[Any, ...]]:
    """The rows of an answer, as the driver reads them."""
    seen, _ = frames.split(frames.response(0x08, answer.body))
    message = seen[0].message
    assert len(message.parsed_rows) == answer.rows
    return [tuple(row) for row in message.parsed_rows]
