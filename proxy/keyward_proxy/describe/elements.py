"""Finds what a DESCRIBE asks for, in Cassandra's order.

Source: DescribeStatement.java of Apache Cassandra 4.0. Its words for what is not found are also said of what the
caller may not see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from keyward_api.decision import is_system
from keyward_proxy.cql.description import Description, Subject
from keyward_proxy.describe.inquiry import DescriptionError
from keyward_proxy.describe.schema import Schema
from keyward_proxy.describe.statements import Statements, quoted
from keyward_proxy.wire.responses import ErrorCode

LISTS = {
    Subject.TABLES: "table",
    Subject.TYPES: "type",
    Subject.FUNCTIONS: "function",
    Subject.AGGREGATES: "aggregate",
}
"""What lists, and what it lists."""


class Element(NamedTuple):
    """Something that is described."""

    keyspace: str
    type: str
    name: str
    """As CQL writes it; of a function with its arguments."""

    statement: str = ""
    """Empty where only names are listed."""


class Elements:
    """The elements of a schema; each method raises DescriptionError."""

    def __init__(self, asked: Description, schema: Schema) -> None:
        self._asked = asked
        self._schema = schema
        self._statements = Statements(schema)

    def found(self) -> Iterator[Element]:
        """What the description asks for."""
        asked, schema = self._asked, self._schema
        match asked.subject:
            case Subject.KEYSPACES:
                return (_element(name, "keyspace", name) for name in schema.keyspaces())
            case Subject.SCHEMA | Subject.FULL_SCHEMA:
                return (element for name in self._shown_keyspaces() for element in self._keyspace(name))
            case subject if subject in LISTS:
                return self._list(LISTS[subject])
            case Subject.ANYTHING:
                return self._anything()
            case Subject.KEYSPACE:
                return self._keyspace(self._existing(asked.keyspace))
            case Subject.ONLY_KEYSPACE:
                return self._only_keyspace(self._existing(asked.keyspace))
            case subject:
                return self._named(subject, self._existing(asked.keyspace), asked.name or "")

    def _shown_keyspaces(self) -> list[str]:
        full = self._asked.subject is Subject.FULL_SCHEMA
        return [name for name in self._schema.keyspaces() if full or not is_system(name)]

    def _existing(self, keyspace: str | None) -> str:
        if keyspace is None:
            raise _not_found("No keyspace specified and no current keyspace")
        if not self._schema.has_keyspace(keyspace):
            raise _not_found(f"'{keyspace}' not found in keyspaces")
        return keyspace

    def _list(self, kind: str) -> Iterator[Element]:
        asked = self._asked.keyspace
        for keyspace in self._schema.keyspaces() if asked is None else [self._existing(asked)]:
            for name in self._schema.names(f"{kind}s", keyspace):
                if kind in ("table", "type"):
                    yield _element(keyspace, kind, name)
                else:
                    yield from (element._replace(statement="") for element in self._functions(kind, keyspace, name))

    def _anything(self) -> Iterator[Element]:
        asked, schema, name = self._asked, self._schema, self._asked.name or ""
        if not asked.qualified and schema.has_keyspace(name):
            return self._keyspace(name)
        keyspace = self._existing(asked.keyspace or name)
        if schema.rows("tables", keyspace, name):
            return self._table(keyspace, name)
        if schema.indexed_table(keyspace, name):
            return self._index(keyspace, name)
        if schema.rows("views", keyspace, name):
            return self._view(keyspace, name)
        raise _not_found(f"'{name}' not found in keyspace '{keyspace}'")

    def _named(self, subject: Subject, keyspace: str, name: str) -> Iterator[Element]:
        schema = self._schema
        tables, find, message = self._kinds()[subject]
        if not any(schema.rows(table, keyspace, name) for table in tables) and not (
            subject is Subject.INDEX and schema.indexed_table(keyspace, name)
        ):
            raise _not_found(message.format(name=name, keyspace=keyspace))
        return find(keyspace, name)

    def _kinds(self) -> dict[Subject, tuple[tuple[str, ...], Callable[[str, str], Iterator[Element]], str]]:
        """For each kind of element: where it is written down, how it is described, what is said where it is not."""
        return {
            Subject.TABLE: (("tables", "views"), self._table, "Table '{name}' not found in keyspace '{keyspace}'"),
            Subject.INDEX: ((), self._index, "Table for existing index '{name}' not found in '{keyspace}'"),
            Subject.VIEW: (("views",), self._view, "Materialized view '{name}' not found in '{keyspace}'"),
            Subject.TYPE: (("types",), self._type, "User defined type '{name}' not found in '{keyspace}'"),
            Subject.FUNCTION: (
                ("functions",),
                lambda keyspace, name: self._functions("function", keyspace, name),
                "User defined function '{name}' not found in '{keyspace}'",
            ),
            Subject.AGGREGATE: (
                ("aggregates",),
                lambda keyspace, name: self._functions("aggregate", keyspace, name),
                "User defined aggregate '{name}' not found in '{keyspace}'",
            ),
        }

    def _keyspace(self, keyspace: str) -> Iterator[Element]:
        yield from self._only_keyspace(keyspace)
        for name, statement in self._statements.types(keyspace):
            yield _element(keyspace, "type", name, statement)
        for kind in ("function", "aggregate"):
            for name in self._schema.names(f"{kind}s", keyspace):
                yield from self._functions(kind, keyspace, name)
        for name in self._schema.names("tables", keyspace):
            yield from self._table(keyspace, name)
            for view in self._schema.views_of(keyspace, name):
                yield from self._view(keyspace, view)

    def _only_keyspace(self, keyspace: str) -> Iterator[Element]:
        yield _element(keyspace, "keyspace", keyspace, self._statements.keyspace(keyspace))

    def _type(self, keyspace: str, name: str) -> Iterator[Element]:
        yield _element(keyspace, "type", name, self._statements.type(keyspace, name))

    def _table(self, keyspace: str, name: str) -> Iterator[Element]:
        if not self._schema.rows("tables", keyspace, name):
            yield from self._view(keyspace, name)
            return
        yield _element(keyspace, "table", name, self._statements.table(keyspace, name))
        for index, statement in self._statements.indexes(keyspace, name):
            yield _element(keyspace, "index", index, statement)

    def _index(self, keyspace: str, name: str) -> Iterator[Element]:
        for index, statement in self._statements.indexes(keyspace, self._schema.indexed_table(keyspace, name) or ""):
            if index == name:
                yield _element(keyspace, "index", index, statement)

    def _view(self, keyspace: str, name: str) -> Iterator[Element]:
        yield _element(keyspace, "materialized_view", name, self._statements.table(keyspace, name))

    def _functions(self, kind: str, keyspace: str, name: str) -> Iterator[Element]:
        write = self._statements.functions if kind == "function" else self._statements.aggregates
        for signature, statement in write(keyspace, name):
            yield Element(quoted(keyspace), kind, signature, statement)


def _element(keyspace: str, kind: str, name: str, statement: str = "") -> Element:
    return Element(quoted(keyspace), kind, quoted(name), statement)


def _not_found(message: str) -> DescriptionError:
    return DescriptionError(message, code=ErrorCode.INVALID)
