"""Statements and their values, paging, concurrency."""

from cassandra.cluster import Session
from cassandra.concurrent import execute_concurrent_with_args
from cassandra.query import SimpleStatement, ValueSequence
from support import check, one, table


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
