"""Statements that were prepared on a connection, and what executing them needs."""

from __future__ import annotations

import pytest
from cassandra import ConsistencyLevel

from tests.unit.proxy import frames
from tests.unit.proxy.frames import execute, prepare
from tests.unit.proxy.session.script import (
    READ_ORDERS,
    Script,
    audit,
    client,
    forward,
    logged_in,
    passes_back,
    quiet,
    refused,
    rule,
    upstream,
)

WRITE_ITEMS = rule("writer/allow/0", "orders", "items", "Modify")
SELECT = "SELECT id FROM orders.items"
INSERT = "INSERT INTO orders.items (id) VALUES ('secret')"
PREPARED_ID = bytes(range(16))


@pytest.fixture
def script() -> Script:
    return logged_in(READ_ORDERS)


def prepared_script(text: str, *allow: dict[str, object], version: int = 4) -> Script:
    """A session in which `text` is prepared under PREPARED_ID."""
    script = logged_in(READ_ORDERS, *allow, version=version)
    script >> client(prepare(text, stream=1, version=version))
    script >> upstream(frames.prepared(PREPARED_ID, stream=1, version=version))
    script << forward(prepare(text, stream=1, version=version))
    script << passes_back(frames.prepared(PREPARED_ID, stream=1, version=version))
    script << audit("statement", opcode="PREPARE", prepared_id=PREPARED_ID.hex(), allowed=True)
    script.done()
    return script


@pytest.mark.parametrize("version", [3, 4])
def test_an_execute_is_judged_by_what_its_id_was_prepared_from(version: int) -> None:
    script = prepared_script("SELECT id FROM orders.items WHERE id = ?", version=version)
    sent = execute(PREPARED_ID, b"1", stream=2, version=version)
    script >> client(sent) << forward(sent)
    script >> upstream(frames.rows(b"1", stream=2, version=version))
    script << audit(
        "statement",
        opcode="EXECUTE",
        prepared_id=PREPARED_ID.hex(),
        statement="SELECT id FROM orders.items WHERE id = ?",
        resources=["Select orders.items"],
        rows=1,
    )


def test_an_execute_of_a_write_gets_the_level_of_writes() -> None:
    script = prepared_script(INSERT, WRITE_ITEMS)
    script >> client(execute(PREPARED_ID, stream=2, consistency=ConsistencyLevel.ONE))
    script << forward(execute(PREPARED_ID, stream=2))


def test_an_id_that_was_not_prepared_here_is_unknown(script: Script) -> None:
    script >> client(execute(PREPARED_ID, b"1", stream=2))
    message = script.to_client[0].message
    assert (message.code, message.info) == (0x2500, PREPARED_ID)
    script << refused(0x2500, stream=2, says="prepare it again")
    script << audit("statement", opcode="EXECUTE", outcome="denied", prepared_id=PREPARED_ID.hex())
    script.done()


def test_a_denied_statement_is_not_prepared_either(script: Script) -> None:
    script >> client(prepare(INSERT, stream=1)) << refused(0x2100, stream=1)
    script << audit("statement", opcode="PREPARE", outcome="denied") << quiet()


def test_a_prepare_that_failed_makes_no_id_known(script: Script) -> None:
    script >> client(prepare(SELECT, stream=1)) >> upstream(frames.error(0x2200, "no", stream=1))
    script.to_client.clear()
    script >> client(execute(PREPARED_ID, stream=2)) << refused(0x2500, stream=2)


def test_an_id_given_for_two_tables_needs_the_permissions_of_both() -> None:
    script = prepared_script(SELECT, rule("other", "archive", "*", "Select"), WRITE_ITEMS)
    script >> client(prepare("SELECT id FROM archive.items", stream=1))
    script >> upstream(frames.prepared(PREPARED_ID, stream=1)) >> client(execute(PREPARED_ID, stream=2))
    script >> upstream(frames.void(stream=2))
    assert [f"{r.keyspace}.{r.table}" for r in script.audits[-1].resources] == ["orders.items", "archive.items"]


def test_the_oldest_id_is_forgotten_first(script: Script) -> None:
    for number in range(4097):
        script >> client(prepare(SELECT, stream=1)) >> upstream(frames.prepared(number.to_bytes(16), stream=1))
    script.to_client.clear()
    script >> client(execute((0).to_bytes(16), stream=1)) << refused(0x2500, stream=1)
    script >> client(execute((4096).to_bytes(16), stream=1))
    assert not script.to_client
