"""Batches as text."""

from __future__ import annotations

import pytest

from tests.unit.proxy.cql.readings import needs, reading, refusal, says

INSERT = "INSERT INTO a.b (c) VALUES (1)"


@pytest.mark.parametrize(
    "text",
    [
        f"BEGIN BATCH {INSERT} APPLY BATCH",
        f"BEGIN BATCH {INSERT}; APPLY BATCH;",
        f"begin unlogged batch {INSERT}; apply batch",
        f"BEGIN COUNTER BATCH {INSERT} APPLY BATCH",
        f"BEGIN BATCH USING TIMESTAMP 5 {INSERT} APPLY BATCH",
        f"BEGIN BATCH USING TIMESTAMP ? AND TTL :t {INSERT} APPLY BATCH",
        f"BEGIN BATCH {INSERT} USING TTL 4; {INSERT} APPLY BATCH",
        "BEGIN BATCH INSERT INTO a.b JSON ? UPDATE a.b SET c = 1 WHERE k = ?; DELETE FROM a.b WHERE k = 1 APPLY BATCH",
        "BEGIN/* ; */BATCH -- APPLY BATCH\nDELETE c FROM a.b USING TIMESTAMP 1 WHERE k = 'APPLY BATCH' APPLY BATCH",
    ],
)
def test_a_batch_needs_what_its_statements_need(text: str) -> None:
    assert says(text) == ("BATCH", ["Modify on a.b"])


def test_each_table_is_named_once_and_in_order() -> None:
    text = (
        "BEGIN BATCH INSERT INTO a.b (c) VALUES (1) UPDATE d SET c = 1 WHERE k = 2 IF EXISTS "
        "DELETE FROM a.b WHERE k = 1;"
        'INSERT INTO "E".f JSON :x IF NOT EXISTS; UPDATE d SET c = 2 WHERE k = 2 APPLY BATCH'
    )
    assert needs(text) == ["Modify on a.b", "Select on used.d", "Modify on used.d", "Select on E.f", "Modify on E.f"]
    assert reading(text).children == 5


def test_an_empty_batch_does_nothing_and_needs_nothing() -> None:
    assert says("BEGIN BATCH APPLY BATCH") == ("BATCH", [])


@pytest.mark.parametrize(
    "condition", ["IF EXISTS", "IF exists = 1", "IF exists IN (1)", "IF exists['x'] = 1", "IF a = 1"]
)
def test_a_condition_ends_where_the_next_statement_begins(condition: str) -> None:
    text = f"BEGIN BATCH UPDATE a.b SET c = 1 WHERE k = 1 {condition} DELETE FROM d.e WHERE k = 1 APPLY BATCH"
    assert needs(text) == ["Select on a.b", "Modify on a.b", "Modify on d.e"]


def test_the_partitioner_is_not_changed_in_a_batch() -> None:
    text = "BEGIN BATCH UPDATE system.local SET partitioner = 'x' WHERE key = 'local' APPLY BATCH"
    assert needs(text) == ["Modify on system.local"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"BEGIN {INSERT} APPLY BATCH", "'BATCH'"),
        (f"BEGIN LOGGED BATCH {INSERT} APPLY BATCH", "'BATCH'"),
        (f"BEGIN BATCH {INSERT}", "found the end"),
        (f"BEGIN BATCH {INSERT} APPLY", "'BATCH'"),
        (f"BEGIN BATCH {INSERT};; APPLY BATCH", "found ';'"),
        (f"BEGIN BATCH ; {INSERT} APPLY BATCH", "found ';'"),
        ("BEGIN BATCH SELECT * FROM a.b APPLY BATCH", "found 'SELECT'"),
        ("BEGIN BATCH USE a APPLY BATCH", "found 'USE'"),
        ("BEGIN BATCH DROP TABLE a.b APPLY BATCH", "found 'DROP'"),
        (f"BEGIN BATCH BEGIN BATCH {INSERT} APPLY BATCH APPLY BATCH", "found 'BEGIN'"),
        (f"BEGIN BATCH {INSERT} APPLY BATCH {INSERT}", "one statement at a time"),
        (f"BEGIN BATCH USING CLOCK 1 {INSERT} APPLY BATCH", "TIMESTAMP or TTL"),
        ("BEGIN BATCH INSERT INTO b (c) VALUES (1) APPLY BATCH", "no keyspace is in use"),
    ],
)
def test_what_is_no_batch_is_refused(text: str, found: str) -> None:
    assert found in refusal(text, None).message
