"""Schema statements, metadata and events."""

from cassandra.cluster import Session
from support import KEYSPACE, REPLICATION, check, connected, one, table, wait_for


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
