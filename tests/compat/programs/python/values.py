"""Every kind of value."""

import datetime
import decimal
import ipaddress
import json
import uuid
from typing import Any

from cassandra.cluster import Session
from cassandra.query import UNSET_VALUE
from cassandra.util import Duration
from support import KEYSPACE, check, one, table

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
