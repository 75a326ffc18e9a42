"""Statements that make again what a schema holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from keyward_proxy.describe.inquiry import DescriptionError
from keyward_proxy.describe.schema import Schema
from keyward_proxy.describe.statements import Statements, quoted
from tests.unit.proxy.describe.schemas import (
    SHOP,
    Rows,
    index,
    keyspace,
    pages,
    table,
    user_type,
    view,
)
from tests.unit.proxy.session.script import APP, policy, rule

EVERYTHING = rule("owner/allow/0", "*", "*", "Select")


def statements(*parts: Rows) -> Statements:
    return Statements(Schema(pages(parts), policy(EVERYTHING).grant_for(APP, "")))


def test_names_are_quoted_where_they_need_it() -> None:
    assert [quoted(name) for name in ("plain", "Mixed", 'a"b', "select")] == ["plain", '"Mixed"', '"a""b"', '"select"']


def test_a_keyspace_is_written_with_its_replication() -> None:
    single = statements(keyspace("shop"))
    assert single.keyspace("shop") == (
        "CREATE KEYSPACE shop WITH replication = {'class': 'SimpleStrategy', 'replication_factor': '3'}  "
        "AND durable_writes = true;"
    )
    several = statements(keyspace("a", **{"class": "NetworkTopologyStrategy", "us-east-1": "3", "eu-west-1": "3"}))
    assert "{'class': 'NetworkTopologyStrategy', 'eu-west-1': '3', 'us-east-1': '3'}" in several.keyspace("a")
    own = statements(keyspace("a", **{"class": "SingleRegionStrategy"}))
    assert "{'class': 'SingleRegionStrategy'}" in own.keyspace("a")


def test_a_table_is_written_with_its_key_and_the_options_of_4_0() -> None:
    columns = [
        ("name", "text", "clustering", 1, "asc"),
        ("day", "int", "clustering", 0, "desc"),
        ("year", "int", "partition_key", 1, "none"),
        ("id", "uuid", "partition_key", 0, "none"),
        ("owner", "text", "static", -1, "none"),
        ('a"b', "frozen<list<int>>", "regular", -1, "none"),
    ]
    written = statements(table("shop", "orders", comment="it's", columns=columns)).table("shop", "orders")
    assert written.splitlines() == [
        "CREATE TABLE shop.orders (",
        "    id uuid,",
        "    year int,",
        "    day int,",
        "    name text,",
        "    owner text static,",
        '    "a""b" frozen<list<int>>,',
        "    PRIMARY KEY ((id, year), day, name)",
        ") WITH CLUSTERING ORDER BY (day DESC, name ASC)",
        "    AND bloom_filter_fp_chance = 0.01",
        "    AND caching = {'keys': 'ALL', 'rows_per_partition': 'NONE'}",
        "    AND comment = 'it''s'",
        "    AND compaction = {'class': 'SizeTieredCompactionStrategy'};",
    ]


def test_a_type_comes_behind_those_that_it_is_made_of() -> None:
    parts = (
        user_type("shop", "a", x="frozen<c>"),
        user_type("shop", "b", y="int"),
        user_type("shop", "c", z="list<frozen<b>>"),
        user_type("other", "a", x="int"),
        keyspace("shop"),
    )
    assert [name for name, _ in statements(*parts).types("shop")] == ["b", "c", "a"]
    assert statements(*parts).type("shop", "c") == "CREATE TYPE shop.c (\n    z list<frozen<b>>\n);"


def test_types_that_hold_each_other_come_to_an_end() -> None:
    parts = (user_type("shop", "a", x="frozen<b>"), user_type("shop", "b", y="frozen<a>"))
    assert sorted(name for name, _ in statements(*parts).types("shop")) == ["a", "b"]


def test_indexes_views_functions_and_aggregates_are_written() -> None:
    made = statements(*SHOP, index("shop", "orders", "Also", "keys(v)"))
    assert list(made.indexes("shop", "orders")) == [
        ("Also", 'CREATE INDEX "Also" ON shop.orders (keys(v));'),
        ("orders_by_v", "CREATE INDEX orders_by_v ON shop.orders (v);"),
    ]
    assert made.table("shop", "orders_view").startswith("CREATE MATERIALIZED VIEW shop.orders_view AS\n    SELECT *")
    ((signature, function),) = made.functions("shop", "plus")
    assert signature == "plus(int,int)"
    assert function.startswith("CREATE FUNCTION shop.plus(a0 int, a1 int)")
    ((signature, aggregate),) = made.aggregates("shop", "total")
    assert (signature, aggregate.splitlines()[0]) == ("total(int)", "CREATE AGGREGATE shop.total(int)")


WITHOUT_COLUMNS = {"tables": table("shop", "t")["tables"]}
BROKEN: list[tuple[Rows, Callable[[Statements], Any]]] = [
    (WITHOUT_COLUMNS, lambda made: made.table("shop", "t")),
    ({}, lambda made: made.table("shop", "t")),
    ({}, lambda made: made.keyspace("shop")),
    ({"keyspaces": [{"keyspace_name": "shop"}]}, lambda made: made.keyspace("shop")),
    (keyspace("shop", other="x"), lambda made: made.keyspace("shop")),
    ({"types": [{"keyspace_name": "shop", "type_name": "y"}]}, lambda made: made.type("shop", "x")),
    (
        {"indexes": [{"keyspace_name": "shop", "table_name": "t", "index_name": "i"}]},
        lambda made: list(made.indexes("shop", "t")),
    ),
    (
        {"functions": [{"keyspace_name": "shop", "function_name": "f"}]},
        lambda made: list(made.functions("shop", "f")),
    ),
    (
        table("shop", "t", columns=[("id", "int", "partition_key", 0, None)]),
        lambda made: made.table("shop", "t"),
    ),
    ({"views": [*view("shop", "w", "t")["views"]], "tables": []}, lambda made: made.table("shop", "w")),
]


@pytest.mark.parametrize(("parts", "make"), BROKEN)
def test_what_makes_no_statement_is_refused_without_a_trace(
    parts: Rows, make: Callable[[Statements], Any], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(DescriptionError, match="cannot be made into a statement: select from system_schema") as refused:
        make(statements(parts))
    assert refused.value.code == 0x0000
    assert "Traceback" not in str(refused.value)
    assert not caplog.records
