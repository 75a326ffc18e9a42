"""Statements that were prepared on a connection, and what executing them needs."""

from __future__ import annotations

import pytest
from cassandra import ConsistencyLevel

from keyward_proxy.cql.reader import read
from keyward_proxy.cql.statement import Statement
from keyward_proxy.session.events import ClientClosed
from keyward_proxy.session.prepared import PreparedRoom, PreparedStatements
from keyward_proxy.session.settings import (
    MAXIMUM_PREPARED_BYTES,
    MAXIMUM_PREPARED_BYTES_OF_ALL,
    PREPARED_BYTES_OF_EACH,
)
from keyward_proxy.session.shared import Shared
from tests.unit.proxy import frames
from tests.unit.proxy.frames import execute, prepare
from tests.unit.proxy.session.script import (
    READ_ORDERS,
    Script,
    audit,
    client,
    forward,
    happens,
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


def test_a_connection_knows_thousands_of_ids_and_forgets_the_one_unused_for_longest(script: Script) -> None:
    count = MAXIMUM_PREPARED_BYTES // 1000
    for number in range(count):
        script >> client(prepare(SELECT, stream=1)) >> upstream(frames.prepared(number.to_bytes(16), stream=1))
        if number == 1000:
            script.to_client.clear()
            script >> client(execute((1).to_bytes(16), stream=1)) >> upstream(frames.void(stream=1))
            script << passes_back(frames.void(stream=1))
    script.to_client.clear()
    script >> client(execute((0).to_bytes(16), stream=1)) << refused(0x2500, stream=1)
    for number in (1, count - 1):
        script >> client(execute(number.to_bytes(16), stream=number))
    assert not script.to_client


def test_connections_share_what_prepared_statements_may_take_and_each_keeps_a_part() -> None:
    statement = read(SELECT, None)
    assert isinstance(statement, Statement)
    room, held = PreparedRoom(), []
    while room.bytes_used < MAXIMUM_PREPARED_BYTES_OF_ALL:
        held.append(PreparedStatements(room))
        for number in range(1500):
            held[-1].add(number.to_bytes(16), statement)
    last = PreparedStatements(room)
    for number in range(1500):
        last.add(number.to_bytes(16), statement)
    assert room.bytes_used <= MAXIMUM_PREPARED_BYTES_OF_ALL + MAXIMUM_PREPARED_BYTES + PREPARED_BYTES_OF_EACH
    assert last.get((1450).to_bytes(16))
    assert not last.get((1400).to_bytes(16))
    for connection in (*held, last):
        connection.clear()
    assert room.bytes_used == 0


def test_the_end_of_a_session_gives_its_room_back() -> None:
    shared = Shared()
    script = logged_in(READ_ORDERS, shared=shared)
    script >> client(prepare(SELECT, stream=1)) >> upstream(frames.prepared(PREPARED_ID, stream=1))
    assert shared.prepared.bytes_used > len(SELECT)
    script >> happens(ClientClosed)
    assert shared.prepared.bytes_used == 0
