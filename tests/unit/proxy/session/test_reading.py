"""BATCH: read child by child, decided as one."""

from __future__ import annotations

from hashlib import sha256

import pytest
from cassandra import ConsistencyLevel
from cassandra.query import BatchType

from keyward_proxy.cql.lexer import MAXIMUM_TOKENS
from tests.unit.proxy import frames
from tests.unit.proxy.frames import batch
from tests.unit.proxy.session.script import (
    READ_ORDERS,
    Script,
    audit,
    client,
    forward,
    logged_in,
    passes_back,
    refused,
    rule,
    upstream,
)

WRITE_ITEMS = rule("writer/allow/0", "orders", "items", "Modify")
INSERT = "INSERT INTO orders.items (id) VALUES ('secret')"
UPDATE = "UPDATE orders.items SET a = 1 WHERE id = 'x'"
ELSEWHERE = "DELETE FROM orders.others WHERE id = 1"
PREPARED_ID = bytes(range(16))


@pytest.fixture
def script() -> Script:
    return logged_in(READ_ORDERS, WRITE_ITEMS)


def prepare(script: Script, text: str) -> None:
    script >> client(frames.prepare(text, stream=9)) >> upstream(frames.prepared(PREPARED_ID, stream=9))
    for seen in (script.to_client, script.to_upstream, script.audits):
        seen.clear()


@pytest.mark.parametrize("version", [3, 4])
def test_a_batch_inside_the_grant_passes_and_is_audited_with_its_statements(version: int) -> None:
    script = logged_in(READ_ORDERS, WRITE_ITEMS, version=version)
    sent = batch(INSERT, UPDATE, version=version)
    script >> client(sent) << forward(sent)
    script >> upstream(frames.void(version=version)) << passes_back(frames.void(version=version))
    redacted = "BEGIN BATCH INSERT INTO orders.items (id) VALUES (?); UPDATE orders.items SET a = ? WHERE id = ?; "
    digests = "".join(f"{sha256(text.encode()).hexdigest()}\n" for text in (INSERT, UPDATE))
    script << audit(
        "statement",
        opcode="BATCH",
        form="BATCH",
        outcome="ok",
        statement=redacted + "APPLY BATCH",
        statement_sha256=sha256(digests.encode()).hexdigest(),
        resources=["Modify orders.items"],
        consistency="LOCAL_QUORUM",
    )
    script.done()


def test_one_statement_outside_the_grant_refuses_the_whole(script: Script) -> None:
    script >> client(batch(INSERT, ELSEWHERE)) << refused(0x2100, says="may not Modify orders.others")
    script << audit(
        "statement", opcode="BATCH", outcome="denied", resources=["Modify orders.items", "Modify orders.others"]
    )
    script.done()


def test_a_conditional_statement_in_a_batch_needs_select_too() -> None:
    script = logged_in(WRITE_ITEMS)
    script >> client(batch(UPDATE, UPDATE + " IF a = 2")) << refused(0x2100, says="may not Select orders.items")


@pytest.mark.parametrize(
    "text", ["SELECT * FROM orders.items", "USE orders", "BEGIN BATCH APPLY BATCH", "DROP TABLE a.b"]
)
def test_only_writes_may_be_batched(script: Script, text: str) -> None:
    script >> client(batch(INSERT, text))
    assert script.to_client.popleft().message.code in (0x2200, 0x2100, 0x2000)
    assert not script.to_upstream
    script << audit("statement", opcode="BATCH", outcome="denied")


def test_what_cannot_be_read_is_named_by_its_place(script: Script) -> None:
    script >> client(batch(INSERT, "INSERT INTO")) << refused(0x2000, says="statement 2 of the batch: expected")


def test_prepared_statements_are_judged_by_what_they_stand_for(script: Script) -> None:
    prepare(script, UPDATE)
    sent = batch(INSERT, PREPARED_ID)
    script >> client(sent) << forward(sent)
    other = logged_in(READ_ORDERS, WRITE_ITEMS, rule("all/allow/0", "orders", "others", "Modify"))
    prepare(other, ELSEWHERE)
    sent = batch(INSERT, PREPARED_ID)
    other >> client(sent) >> upstream(frames.void())
    other << audit("statement", resources=["Modify orders.items", "Modify orders.others"])


def test_a_prepared_select_may_not_be_batched(script: Script) -> None:
    prepare(script, "SELECT id FROM orders.items")
    script >> client(batch(INSERT, PREPARED_ID)) << refused(0x2200, says="statement 2 of the batch is SELECT")


def test_an_id_that_was_not_prepared_here_is_named(script: Script) -> None:
    script >> client(batch(INSERT, PREPARED_ID, stream=5))
    message = script.to_client[0].message
    assert (message.code, message.info) == (0x2500, PREPARED_ID)
    script << refused(0x2500, stream=5) << audit("statement", opcode="BATCH", outcome="denied")
    script.done()


def test_a_batch_is_held_to_the_levels_of_writes(script: Script) -> None:
    script >> client(batch(INSERT, consistency=ConsistencyLevel.ONE)) << forward(batch(INSERT))
    script >> upstream(frames.void()) << passes_back(frames.void())
    script << audit("statement", consistency="LOCAL_QUORUM", requested_consistency="ONE")


@pytest.mark.parametrize(("kind", "word"), [(BatchType.UNLOGGED, "UNLOGGED "), (BatchType.COUNTER, "COUNTER ")])
def test_the_kind_of_a_batch_is_told(script: Script, kind: BatchType, word: str) -> None:
    script >> client(batch(INSERT, kind=kind)) >> upstream(frames.void())
    assert script.audits.pop().statement.startswith(f"BEGIN {word}BATCH INSERT")


def test_a_batch_of_too_many_statements_is_refused_unread(script: Script) -> None:
    script >> client(batch(*[INSERT] * 1025)) << refused(0x2200, says="at most 1024 are taken")
    script << audit("statement", opcode="BATCH", outcome="denied")
    script.done()


def test_a_batch_of_too_many_values_is_refused(script: Script) -> None:
    many = (b"",) * 40_000
    script >> client(batch((INSERT, many), (INSERT, many))) << refused(0x2200, says="more than 65535 values")
    assert not script.session.over


def test_the_text_of_a_long_batch_is_cut_and_its_count_told(script: Script) -> None:
    script >> client(batch(*[INSERT] * 1000)) >> upstream(frames.void())
    text = script.audits.pop().statement
    assert len(text) < 17_000
    assert text.endswith("<1000 statements in all>; APPLY BATCH")


def test_a_batch_has_the_tokens_of_one_statement(script: Script) -> None:
    half = f"UPDATE orders.items SET a = [{', '.join('1' * (MAXIMUM_TOKENS // 4))}] WHERE id = 'x'"
    script >> client(batch(half, INSERT)) << forward(batch(half, INSERT)) >> upstream(frames.void())
    for seen in (script.to_client, script.audits):
        seen.clear()
    script >> client(batch(INSERT, half, half)) << refused(0x2200, says="statement 3 of the batch: the batch has more")


def test_a_batch_of_no_known_kind_breaks_the_protocol(script: Script) -> None:
    sent = bytearray(batch(INSERT))
    sent[9] = 3
    script >> client(bytes(sent)) << refused(0x000A, says="batch type 3")
    assert script.session.over


def test_names_of_values_are_no_part_of_a_batch(script: Script) -> None:
    sent = bytearray(batch(INSERT))
    sent[-1] = 0x40
    script >> client(bytes(sent)) << refused(0x000A, says="query flags 0x40")


def test_unqualified_names_are_in_the_keyspace_in_use(script: Script) -> None:
    script >> client(frames.query("USE orders", stream=1)) >> upstream(frames.set_keyspace("orders", stream=1))
    for seen in (script.to_client, script.to_upstream, script.audits):
        seen.clear()
    sent = batch("INSERT INTO items (id) VALUES (1)")
    script >> client(sent) << forward(sent)
    script >> client(batch("INSERT INTO others (id) VALUES (1)", stream=2)) << refused(0x2100, stream=2)
