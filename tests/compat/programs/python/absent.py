"""What Amazon Keyspaces has not."""

from cassandra.cluster import Session
from support import KEYSPACE, check, table


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
