"""What of system_schema a DESCRIBE needs: all of it, one keyspace's, or what bears one name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from keyward_proxy.cql.description import Description, Subject
from keyward_proxy.describe.names import NAME_COLUMNS

_TABLE = ("tables", "columns", "indexes", "views")

_LISTED = {
    Subject.TABLES: "tables",
    Subject.TYPES: "types",
    Subject.FUNCTIONS: "functions",
    Subject.AGGREGATES: "aggregates",
}
_BY_NAME = {
    Subject.TABLE: _TABLE,
    Subject.VIEW: ("columns", "views"),
    Subject.TYPE: ("types",),
    Subject.FUNCTION: ("functions",),
    Subject.AGGREGATE: ("aggregates",),
}


class Question(NamedTuple):
    """A SELECT that the agent sends."""

    table: str
    """Of system_schema."""

    text: str


def questions(description: Description) -> tuple[Question, ...]:
    """What to ask Keyspaces, each at most once."""
    keyspace, name = description.keyspace, description.name
    match description.subject:
        case Subject.CLUSTER:
            return ()
        case Subject.KEYSPACES:
            return (_question("keyspaces"),)
        case Subject.SCHEMA | Subject.FULL_SCHEMA:
            return tuple(_question(table) for table in NAME_COLUMNS)
        case Subject.ANYTHING:
            return tuple(dict.fromkeys(_anything(description)))
        case Subject.KEYSPACE:
            return () if keyspace is None else _keyspace(keyspace)
        case Subject.ONLY_KEYSPACE:
            return () if keyspace is None else (_question("keyspaces", keyspace),)
        case Subject.INDEX:
            return () if keyspace is None else (_question("keyspaces", keyspace), _question("indexes", keyspace))
        case subject if subject in _LISTED:
            return _question("keyspaces", keyspace), _question(_LISTED[subject], keyspace)
        case subject:
            return () if keyspace is None else _named(keyspace, name or "", _BY_NAME[subject])


def _anything(description: Description) -> Iterable[Question]:
    """A keyspace of that name, else something in the keyspace."""
    keyspace, name = description.keyspace, description.name or ""
    if not description.qualified:
        yield from _keyspace(name)
    if keyspace is not None and (description.qualified or keyspace != name):
        yield from _named(keyspace, name, ("tables", "columns", "views"))
        yield _question("indexes", keyspace)


def _keyspace(keyspace: str) -> tuple[Question, ...]:
    return tuple(_question(table, keyspace) for table in NAME_COLUMNS)


def _named(keyspace: str, name: str, tables: Iterable[str]) -> tuple[Question, ...]:
    return _question("keyspaces", keyspace), *(_question(table, keyspace, name) for table in tables)


def _question(table: str, keyspace: str | None = None, name: str | None = None) -> Question:
    text = f"SELECT * FROM system_schema.{table}"  # noqa: S608 - the table is one of NAME_COLUMNS
    if keyspace is not None:
        text += f" WHERE keyspace_name = {_literal(keyspace)}"
    if name is not None:
        text += f" AND {NAME_COLUMNS[table]} = {_literal(name)}"
    return Question(table, text)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
