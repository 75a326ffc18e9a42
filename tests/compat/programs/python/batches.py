"""Batches and conditions."""

from cassandra.cluster import Session
from cassandra.query import BatchStatement, BatchType, SimpleStatement
from support import check, one, table


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
