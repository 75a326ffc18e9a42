"""Consistency, errors, warnings, payloads, traces, heartbeats."""

import time

from cassandra import AlreadyExists, ConsistencyLevel, InvalidRequest
from cassandra.cluster import Session
from cassandra.protocol import SyntaxException
from cassandra.query import BatchStatement, BatchType, SimpleStatement
from support import KEYSPACE, SECONDS, check, connected, connections, one, table


@check("accepts every consistency level")
def _(session: Session) -> None:
    name = table(session, "consistent")
    for level in ("ONE", "QUORUM", "ALL", "LOCAL_QUORUM", "EACH_QUORUM", "LOCAL_ONE"):
        value = getattr(ConsistencyLevel, level)
        session.execute(SimpleStatement(f"INSERT INTO {name} (id, v) VALUES (1, 'a')", consistency_level=value))
        if level != "EACH_QUORUM":  # for writes only
            session.execute(SimpleStatement(f"SELECT v FROM {name}", consistency_level=value))


@check("reads with serial consistency")
def _(session: Session) -> None:
    name = table(session, "serial")
    for level in (ConsistencyLevel.SERIAL, ConsistencyLevel.LOCAL_SERIAL):
        insert = SimpleStatement(
            f"INSERT INTO {name} (id, v) VALUES (1, 'a') IF NOT EXISTS", serial_consistency_level=level
        )
        session.execute(insert)
        assert one(session, SimpleStatement(f"SELECT v FROM {name} WHERE id = 1", consistency_level=level)).v == "a"


def refused(session: Session, query: str, kind: type[Exception]) -> None:
    try:
        session.execute(query)
    except kind:
        session.execute("SELECT key FROM system.local")  # the session lives
        return
    raise AssertionError(f"{query} was not refused")


@check("reports a syntax error")
def _(session: Session) -> None:
    refused(session, "SELEKT * FROM system.local", SyntaxException)


@check("reports an invalid statement")
def _(session: Session) -> None:
    refused(session, f"SELECT v FROM {KEYSPACE}.nowhere", InvalidRequest)


@check("reports what exists already")
def _(session: Session) -> None:
    name = table(session, "twice")
    refused(session, f"CREATE TABLE {name} (id int PRIMARY KEY)", AlreadyExists)


@check("passes warnings on")
def _(session: Session) -> None:
    name = table(session, "warned")
    insert = session.prepare(f"INSERT INTO {name} (id, v) VALUES (?, ?)")
    batch = BatchStatement(BatchType.UNLOGGED)
    for number in range(10):
        batch.add(insert, (number, "x" * 1000))
    future = session.execute_async(batch)
    future.result()
    assert future.warnings, "a batch over 5 kB gives a warning"


@check("passes a custom payload on")
def _(session: Session) -> None:
    future = session.execute_async("SELECT * FROM system_schema.keyspaces", custom_payload={"key": b"value"})
    future.result()
    assert future.custom_payload == {"key": b"value"}, future.custom_payload


@check("traces a request")
def _(session: Session) -> None:
    name = table(session, "traced")
    future = session.execute_async(f"SELECT v FROM {name}", trace=True)
    future.result()
    assert future.get_query_trace(max_wait=SECONDS).trace_id


@check("stays connected by heartbeats")
def _(_: Session) -> None:
    with connected(idle_heartbeat_interval=0.2, idle_heartbeat_timeout=5) as session:
        before = connections(session)
        time.sleep(1.0)  # five heartbeats: what is to be seen is that nothing happens
        assert connections(session) == before, "a connection was given up"
        session.execute("SELECT key FROM system.local")
