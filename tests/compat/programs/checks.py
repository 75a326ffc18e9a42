"""The checks of tests/compat/checks.py with cassandra-driver, or scylla-driver, which has the same modules.

    python checks.py ADDRESS KEYSPACE

Needs nothing but the driver.
"""

import datetime
import decimal
import ipaddress
import json
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from cassandra import AlreadyExists, ConsistencyLevel, DriverException, InvalidRequest
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable, Session
from cassandra.concurrent import execute_concurrent_with_args
from cassandra.policies import FallthroughRetryPolicy, RoundRobinPolicy
from cassandra.protocol import SyntaxException
from cassandra.query import UNSET_VALUE, BatchStatement, BatchType, SimpleStatement, ValueSequence
from cassandra.util import Duration

ADDRESS, KEYSPACE = sys.argv[1:3]
SECONDS = 60.0
REPLICATION = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
Check = Callable[[Session], None]
CHECKS: dict[str, Check] = {}


def check(name: str) -> Callable[[Check], Check]:
    """Put a function into the list."""

    def add(function: Check) -> Check:
        CHECKS[name] = function
        return function

    return add


@contextmanager
def connected(**options: Any) -> Iterator[Session]:
    """A cluster of its own, as an application makes it; refusals are final."""
    profile = ExecutionProfile(
        load_balancing_policy=RoundRobinPolicy(), retry_policy=FallthroughRetryPolicy(), request_timeout=SECONDS
    )
    cluster = Cluster(
        [ADDRESS],
        execution_profiles={EXEC_PROFILE_DEFAULT: profile},
        connect_timeout=SECONDS,
        control_connection_timeout=SECONDS,
        **options,
    )
    try:
        yield cluster.connect()
    finally:
        cluster.shutdown()


def connections(session: Session) -> list[Any]:
    """All that the driver holds, the control connection among them."""
    holders = session.cluster.get_connection_holders()
    return [connection for holder in holders for connection in holder.get_connections()]


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    """The condition's first true value."""
    deadline = time.monotonic() + SECONDS
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {SECONDS} s for {what}"
        time.sleep(0.05)
    return value


def table(session: Session, name: str, columns: str = "id int PRIMARY KEY, v text") -> str:
    """A new table of this keyspace."""
    full = f"{KEYSPACE}.{name}"
    session.execute(f"CREATE TABLE {full} ({columns})")
    return full


def one(session: Session, query: Any, values: Any = None) -> Any:
    """The only row."""
    rows = list(session.execute(query, values))
    assert len(rows) == 1, rows
    return rows[0]


# Connecting.


@check("connects without being told a version")
def _(_: Session) -> None:
    with connected() as session:
        assert one(session, "SELECT key FROM system.local").key == "local"


def runs_on(version: int) -> None:
    with connected(protocol_version=version) as session:
        assert session.cluster.protocol_version == version
        name = table(session, f"on_v{version}")
        session.execute(session.prepare(f"INSERT INTO {name} (id, v) VALUES (?, ?)"), (1, "a"))
        assert one(session, f"SELECT v FROM {name} WHERE id = %s", (1,)).v == "a"


@check("runs on protocol v3")
def _(_: Session) -> None:
    runs_on(3)


@check("runs on protocol v4")
def _(_: Session) -> None:
    runs_on(4)


@check("runs on protocol v5 or is told why not")
def _(_: Session) -> None:
    try:
        runs_on(5)
    except (NoHostAvailable, DriverException) as error:
        if "protocol_version" not in str(error):
            raise


@check("sees one node and its data centre")
def _(session: Session) -> None:
    (host,) = session.cluster.metadata.all_hosts()
    assert (host.address, host.datacenter, host.is_up) == (ADDRESS, "us-east-1", True), vars(host)
    assert session.cluster.metadata.token_map is not None


def asks_for(compression: str) -> None:
    with connected(compression=compression, protocol_version=4) as session:
        assert all(connection.decompressor for connection in connections(session)), "nothing is compressed"
        name = table(session, f"compressed_{compression}")
        session.execute(f"INSERT INTO {name} (id, v) VALUES (1, %s)", ("x" * 10_000,))
        assert one(session, f"SELECT v FROM {name} WHERE id = 1").v == "x" * 10_000


@check("asks for lz4")
def _(_: Session) -> None:
    asks_for("lz4")


@check("asks for snappy")
def _(_: Session) -> None:
    asks_for("snappy")


# Schema.


@check("creates, alters and drops a keyspace")
def _(session: Session) -> None:
    name = f"{KEYSPACE}_more"
    session.execute(f"CREATE KEYSPACE {name} WITH replication = {REPLICATION}")
    session.execute(f"ALTER KEYSPACE {name} WITH durable_writes = false")
    assert name in session.cluster.metadata.keyspaces
    session.execute(f"DROP KEYSPACE {name}")
    wait_for(lambda: name not in session.cluster.metadata.keyspaces, "the keyspace to go")


@check("creates, alters and drops a table")
def _(session: Session) -> None:
    name = table(session, "short_lived")
    session.execute(f"ALTER TABLE {name} ADD more int")
    wait_for(lambda: "more" in session.cluster.metadata.keyspaces[KEYSPACE].tables["short_lived"].columns, "a column")
    session.execute(f"DROP TABLE {name}")
    wait_for(lambda: "short_lived" not in session.cluster.metadata.keyspaces[KEYSPACE].tables, "the table to go")


@check("creates and drops a type")
def _(session: Session) -> None:
    session.execute(f"CREATE TYPE {KEYSPACE}.short_lived (a int)")
    wait_for(lambda: "short_lived" in session.cluster.metadata.keyspaces[KEYSPACE].user_types, "the type")
    session.execute(f"DROP TYPE {KEYSPACE}.short_lived")


@check("reads schema metadata")
def _(session: Session) -> None:
    table(session, "described", "a int, b text, c int, d text static, PRIMARY KEY ((a, b), c)")
    with connected() as fresh:
        found = fresh.cluster.metadata.keyspaces[KEYSPACE].tables["described"]
    assert [column.name for column in found.partition_key] == ["a", "b"]
    assert [column.name for column in found.clustering_key] == ["c"]
    assert found.columns["d"].is_static


@check("hears of schema changes")
def _(session: Session) -> None:
    with connected() as other:
        table(other, "made_elsewhere")
        wait_for(lambda: "made_elsewhere" in session.cluster.metadata.keyspaces[KEYSPACE].tables, "the event")


@check("uses a keyspace")
def _(_: Session) -> None:
    with connected() as session:
        table(session, "unqualified")
        session.set_keyspace(KEYSPACE)
        session.execute("INSERT INTO unqualified (id, v) VALUES (1, 'a')")
        assert one(session, "SELECT v FROM unqualified").v == "a"


# Statements.


@check("selects with positional values")
def _(session: Session) -> None:
    name = table(session, "positional")
    session.execute(f"INSERT INTO {name} (id, v) VALUES (%s, %s)", (1, "it's"))
    assert one(session, f"SELECT v FROM {name} WHERE id IN %s", (ValueSequence([1, 2]),)).v == "it's"


@check("selects with named values")
def _(session: Session) -> None:
    name = table(session, "named")
    session.execute(f"INSERT INTO {name} (id, v) VALUES (%(id)s, %(v)s)", {"id": 1, "v": "a"})
    assert one(session, f"SELECT v FROM {name} WHERE id = %(id)s", {"id": 1}).v == "a"


@check("prepares and executes")
def _(session: Session) -> None:
    name = table(session, "prepared")
    insert = session.prepare(f"INSERT INTO {name} (id, v) VALUES (?, ?)")
    for number in range(10):
        session.execute(insert, (number, str(number)))
    assert one(session, session.prepare(f"SELECT v FROM {name} WHERE id = ?"), (7,)).v == "7"


@check("prepares with named markers")
def _(session: Session) -> None:
    name = table(session, "prepared_named")
    session.execute(session.prepare(f"INSERT INTO {name} (id, v) VALUES (:id, :v)"), {"v": "a", "id": 1})
    assert one(session, session.prepare(f"SELECT v FROM {name} WHERE id = :id"), {"id": 1}).v == "a"


@check("prepares again after its table changed")
def _(session: Session) -> None:
    name = table(session, "changing")
    session.execute(f"INSERT INTO {name} (id, v) VALUES (1, 'a')")
    select = session.prepare(f"SELECT * FROM {name} WHERE id = ?")
    assert len(one(session, select, (1,))) == 2
    session.execute(f"ALTER TABLE {name} ADD more int")
    one(session, select, (1,))
    session.execute(f"INSERT INTO {name} (id, v, more) VALUES (1, 'a', 3)")
    assert one(session, session.prepare(f"SELECT id, v, more FROM {name} WHERE id = ?"), (1,)).more == 3


def numbers(session: Session, name: str, count: int) -> str:
    full = table(session, name, "p int, c int, v text, PRIMARY KEY (p, c)")
    insert = session.prepare(f"INSERT INTO {full} (p, c, v) VALUES (0, ?, ?)")
    execute_concurrent_with_args(session, insert, [(c, "x" * 100) for c in range(count)], concurrency=50)
    return full


@check("pages through a large result")
def _(session: Session) -> None:
    name = numbers(session, "paged", 2000)
    rows = session.execute(SimpleStatement(f"SELECT c FROM {name} WHERE p = 0", fetch_size=77))
    assert [row.c for row in rows] == list(range(2000))
    unpaged = session.execute(SimpleStatement(f"SELECT c FROM {name} WHERE p = 0", fetch_size=None))
    assert len(list(unpaged)) == 2000


@check("resumes paging from a state")
def _(session: Session) -> None:
    name = numbers(session, "resumed", 100)
    statement = session.prepare(f"SELECT c FROM {name} WHERE p = ?")
    statement.fetch_size = 30
    seen, state = [], None
    while True:
        page = session.execute(statement, (0,), paging_state=state)
        seen += [row.c for row in page.current_rows]
        if not (state := page.paging_state):
            break
    assert seen == list(range(100))


@check("runs 1,000 requests at once")
def _(session: Session) -> None:
    name = table(session, "crowded")
    insert = session.prepare(f"INSERT INTO {name} (id, v) VALUES (?, ?)")
    futures = [session.execute_async(insert, (n, str(n))) for n in range(1000)]
    for future in futures:
        future.result()
    select = session.prepare(f"SELECT id, v FROM {name} WHERE id = ?")
    asked = [(n, session.execute_async(select, (n,))) for n in range(1000)]
    assert all(future.result().one() == (n, str(n)) for n, future in asked)


# Batches and conditions.


def batched(session: Session, name: str, kind: BatchType) -> None:
    full = table(session, name)
    batch = BatchStatement(kind)
    batch.add(f"INSERT INTO {full} (id, v) VALUES (1, 'a')")
    batch.add(SimpleStatement(f"INSERT INTO {full} (id, v) VALUES (%s, %s)"), (2, "b"))
    session.execute(batch)
    assert sorted(row.v for row in session.execute(f"SELECT v FROM {full}")) == ["a", "b"]


@check("writes a logged batch")
def _(session: Session) -> None:
    batched(session, "batch_logged", BatchType.LOGGED)


@check("writes an unlogged batch")
def _(session: Session) -> None:
    batched(session, "batch_unlogged", BatchType.UNLOGGED)


@check("writes a counter batch")
def _(session: Session) -> None:
    name = table(session, "counter_batch", "id int PRIMARY KEY, n counter")
    batch = BatchStatement(BatchType.COUNTER)
    for _ in range(3):
        batch.add(f"UPDATE {name} SET n = n + 1 WHERE id = 1")
    session.execute(batch)
    assert one(session, f"SELECT n FROM {name}").n == 3


@check("writes a batch of prepared statements")
def _(session: Session) -> None:
    name = table(session, "prepared_batch")
    insert = session.prepare(f"INSERT INTO {name} (id, v) VALUES (?, ?)")
    delete = session.prepare(f"DELETE FROM {name} WHERE id = ?")
    session.execute(insert, (9, "gone"))
    batch = BatchStatement()
    for number in range(20):
        batch.add(insert, (number + 10, "x"))
    batch.add(delete, (9,))
    session.execute(batch)
    assert len(list(session.execute(f"SELECT id FROM {name}"))) == 20


@check("writes a batch given as text")
def _(session: Session) -> None:
    name = table(session, "text_batch")
    insert = f"INSERT INTO {name} (id, v) VALUES"
    session.execute(f"BEGIN BATCH {insert} (1, 'a'); {insert} (2, 'APPLY BATCH'); APPLY BATCH")
    assert len(list(session.execute(f"SELECT id FROM {name}"))) == 2


@check("inserts with a condition")
def _(session: Session) -> None:
    name = table(session, "conditional")
    insert = f"INSERT INTO {name} (id, v) VALUES (1, 'a') IF NOT EXISTS"
    assert session.execute(insert).was_applied
    assert not session.execute(insert).was_applied


@check("updates with a condition")
def _(session: Session) -> None:
    name = table(session, "conditional_update")
    session.execute(f"INSERT INTO {name} (id, v) VALUES (1, 'a')")
    update = session.prepare(f"UPDATE {name} SET v = ? WHERE id = 1 IF v = ?")
    assert not session.execute(update, ("b", "z")).was_applied
    assert session.execute(update, ("b", "a")).was_applied


@check("batches with a condition")
def _(session: Session) -> None:
    name = table(session, "conditional_batch", "p int, c int, v text, PRIMARY KEY (p, c)")
    batch = BatchStatement()
    batch.add(f"INSERT INTO {name} (p, c, v) VALUES (0, 0, 'a') IF NOT EXISTS")
    batch.add(f"INSERT INTO {name} (p, c, v) VALUES (0, 1, 'b')")
    assert session.execute(batch).was_applied
    assert not session.execute(batch).was_applied


# Values.

SCALARS: dict[str, Any] = {
    "ascii": "plain",
    "bigint": -(2**63),
    "blob": bytes(range(256)),
    "boolean": True,
    "date": datetime.date(2026, 2, 28),
    "decimal": decimal.Decimal("-1.2345678901234567890"),
    "double": 1.5e300,
    "duration": Duration(1, 2, 3),
    "float": 1.5,
    "inet": "2001:db8::1",
    "int": -(2**31),
    "smallint": -(2**15),
    "text": "naïve ☃ 😀",
    "time": datetime.time(1, 2, 3, 4),
    "timestamp": datetime.datetime(2026, 2, 28, 1, 2, 3, 4000),
    "timeuuid": uuid.UUID("d3b07384-d9a0-11ee-a506-0242ac120002"),
    "tinyint": -128,
    "uuid": uuid.UUID("5bc3e5d8-3b63-4f64-9c7f-5a0d2f7b9c11"),
    "varint": 2**100,
}


@check("keeps every scalar type")
def _(session: Session) -> None:
    columns = ", ".join(f"c_{kind} {kind}" for kind in SCALARS)
    name = table(session, "scalars", f"id int PRIMARY KEY, {columns}")
    names = ", ".join(f"c_{kind}" for kind in SCALARS)
    markers = ", ".join("?" * len(SCALARS))
    session.execute(session.prepare(f"INSERT INTO {name} (id, {names}) VALUES (1, {markers})"), SCALARS.values())
    row = one(session, f"SELECT {names} FROM {name}")
    for (kind, sent), got in zip(SCALARS.items(), row, strict=True):
        got = got.date() if kind == "date" else got.time() if kind == "time" else got
        assert str(ipaddress.ip_address(got)) == sent if kind == "inet" else got == sent, (kind, sent, got)


def keeps(session: Session, name: str, kind: str, value: Any, expected: Any = None) -> None:
    full = table(session, name, f"id int PRIMARY KEY, v {kind}")
    session.execute(session.prepare(f"INSERT INTO {full} (id, v) VALUES (1, ?)"), (value,))
    found = one(session, f"SELECT v FROM {full}").v
    assert found == (value if expected is None else expected), found


@check("keeps collections")
def _(session: Session) -> None:
    keeps(session, "lists", "list<text>", ["b", "a", "b"])
    keeps(session, "sets", "set<int>", {3, 1, 2})
    keeps(session, "maps", "map<text, frozen<list<int>>>", {"a": [1, 2], "b": []})


@check("keeps tuples")
def _(session: Session) -> None:
    keeps(session, "tuples", "tuple<int, text, frozen<tuple<double, boolean>>>", (1, "a", (2.5, False)))


@check("keeps user-defined types")
def _(session: Session) -> None:
    session.execute(f"CREATE TYPE {KEYSPACE}.address (street text, number int)")
    name = table(session, "people", "id int PRIMARY KEY, home frozen<address>, others list<frozen<address>>")
    literal = "{street: 'Main', number: 1}"
    session.execute(f"INSERT INTO {name} (id, home, others) VALUES (1, {literal}, [{literal}])")
    row = one(session, f"SELECT home, others FROM {name}")
    session.execute(session.prepare(f"INSERT INTO {name} (id, home) VALUES (2, ?)"), (row.home,))
    again = one(session, f"SELECT home FROM {name} WHERE id = 2").home
    assert (again.street, again.number, row.others[0].number) == ("Main", 1, 1)


@check("tells null from unset")
def _(session: Session) -> None:
    name = table(session, "unset")
    insert = session.prepare(f"INSERT INTO {name} (id, v) VALUES (?, ?)")
    for value, kept in (("a", "a"), (UNSET_VALUE, "a"), (None, None)):
        session.execute(insert, (1, value))
        assert one(session, f"SELECT v FROM {name}").v == kept


@check("keeps a value of 1 MB")
def _(session: Session) -> None:
    keeps(session, "large", "blob", bytes(range(256)) * 4096)


@check("counts with counters")
def _(session: Session) -> None:
    name = table(session, "counters", "id int PRIMARY KEY, n counter")
    update = session.prepare(f"UPDATE {name} SET n = n + ? WHERE id = 1")
    for step in (5, -2):
        session.execute(update, (step,))
    assert one(session, f"SELECT n FROM {name}").n == 3


@check("reads and writes JSON")
def _(session: Session) -> None:
    name = table(session, "json")
    session.execute(f"INSERT INTO {name} JSON %s", ('{"id": 1, "v": "a"}',))
    assert json.loads(one(session, f"SELECT JSON id, v FROM {name}")[0]) == {"id": 1, "v": "a"}


@check("takes a TTL and a timestamp")
def _(session: Session) -> None:
    name = table(session, "timed")
    session.execute(f"INSERT INTO {name} (id, v) VALUES (1, 'a') USING TTL 1000 AND TIMESTAMP 1234")
    row = one(session, f"SELECT TTL(v) AS ttl, WRITETIME(v) AS written FROM {name}")
    assert 900 < row.ttl <= 1000
    assert row.written == 1234


# Consistency, errors, flags.


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


# What Amazon Keyspaces has not.


@check("truncates a table")
def _(session: Session) -> None:
    name = table(session, "truncated")
    session.execute(f"INSERT INTO {name} (id, v) VALUES (1, 'a')")
    session.execute(f"TRUNCATE {name}")
    assert not list(session.execute(f"SELECT id FROM {name}"))


@check("creates an index")
def _(session: Session) -> None:
    session.execute(f"CREATE INDEX ON {table(session, 'indexed')} (v)")


@check("creates a materialized view")
def _(session: Session) -> None:
    name = table(session, "viewed")
    session.execute(
        f"CREATE MATERIALIZED VIEW {KEYSPACE}.by_value AS SELECT id, v FROM {name} "
        "WHERE v IS NOT NULL AND id IS NOT NULL PRIMARY KEY (v, id)"
    )


@check("creates a function")
def _(session: Session) -> None:
    session.execute(
        f"CREATE FUNCTION {KEYSPACE}.twice (n int) RETURNS NULL ON NULL INPUT RETURNS int "
        "LANGUAGE java AS 'return n * 2;'"
    )


def report(name: str, outcome: str, message: str = "") -> None:
    """One line for one check."""
    print(json.dumps({"name": name, "outcome": outcome, "message": message[:300]}), flush=True)


def main() -> None:
    """Run all; those that fail do not end the program."""
    only = set(sys.argv[3:])
    with connected() as session:
        session.execute(f"DROP KEYSPACE IF EXISTS {KEYSPACE}")
        session.execute(f"CREATE KEYSPACE {KEYSPACE} WITH replication = {REPLICATION}")
        for name, function in CHECKS.items():
            if only and name not in only:
                continue
            try:
                function(session)
            except Exception as error:  # a check may fail in any way, and is recorded
                report(name, "failed", f"{type(error).__name__}: {error}")
            else:
                report(name, "passed")


if __name__ == "__main__":
    main()
