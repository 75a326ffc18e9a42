"""Writes the CREATE statements of what a schema holds, by the Python driver's metadata classes.

What the driver cannot make sense of it would describe as far as it can, with its own stack trace in the text: here
such a thing is refused instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from cassandra.metadata import Aggregate, Function, IndexMetadata, KeyspaceMetadata, UserType, protect_name

from keyward_proxy.describe.inquiry import DescriptionError
from keyward_proxy.describe.schema import Row, Schema
from keyward_proxy.describe.tables import table_metadata
from keyward_proxy.wire.responses import ErrorCode

T = TypeVar("T")


def quoted(name: str) -> str:
    """A name as CQL writes it, in double quotes where it needs them."""
    written: str = protect_name(name)
    return written


class Statements:
    """The statements of one schema. Each method raises DescriptionError where what system_schema says is broken."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema

    def keyspace(self, name: str) -> str:
        """CREATE KEYSPACE."""

        def write() -> str:
            row = self._schema.rows("keyspaces", name, name)[0]
            options = dict(_mapping(row["replication"]))
            made = KeyspaceMetadata(name, row["durable_writes"], options.pop("class"), options)
            return f"{made.as_cql_query()};"

        return _written(f"keyspace {name}", write)

    def types(self, keyspace: str) -> Iterator[tuple[str, str]]:
        """The name and the CREATE TYPE of each type, those that others are made of first."""

        def write() -> list[tuple[str, str]]:
            holder = KeyspaceMetadata(keyspace, True, None, None)
            for name in self._schema.names("types", keyspace):
                holder.user_types[name] = self._type(keyspace, name)
            names = {made.export_as_string(): name for name, made in holder.user_types.items()}
            return [(names[statement], statement) for statement in holder.user_type_strings()]

        yield from _written(f"the types of {keyspace}", write)

    def type(self, keyspace: str, name: str) -> str:
        """CREATE TYPE."""
        return _written(f"type {keyspace}.{name}", lambda: str(self._type(keyspace, name).export_as_string()))

    def _type(self, keyspace: str, name: str) -> UserType:
        row = self._schema.rows("types", keyspace, name)[0]
        return UserType(keyspace, name, row["field_names"], row["field_types"])

    def table(self, keyspace: str, name: str) -> str:
        """CREATE TABLE without the table's indexes, or CREATE MATERIALIZED VIEW."""
        rows = {table: self._schema.rows(table, keyspace, name) for table in ("tables", "columns", "views")}

        def write() -> str:
            return f"{table_metadata(keyspace, name, rows).as_cql_query(formatted=True)};"

        return _written(f"table {keyspace}.{name}", write)

    def indexes(self, keyspace: str, table: str) -> Iterator[tuple[str, str]]:
        """The name and the CREATE INDEX of each index of a table, by name."""

        def write() -> list[tuple[str, str]]:
            return sorted(_index(keyspace, table, row) for row in self._schema.rows("indexes", keyspace, table))

        yield from _written(f"the indexes of {keyspace}.{table}", write)

    def functions(self, keyspace: str, name: str) -> Iterator[tuple[str, str]]:
        """The signature and the CREATE FUNCTION of each function of that name."""

        def write() -> list[tuple[str, str]]:
            return [_function(keyspace, name, row) for row in self._schema.rows("functions", keyspace, name)]

        yield from _written(f"function {keyspace}.{name}", write)

    def aggregates(self, keyspace: str, name: str) -> Iterator[tuple[str, str]]:
        """The signature and the CREATE AGGREGATE of each aggregate of that name."""

        def write() -> list[tuple[str, str]]:
            return [_aggregate(keyspace, name, row) for row in self._schema.rows("aggregates", keyspace, name)]

        yield from _written(f"aggregate {keyspace}.{name}", write)


def _index(keyspace: str, table: str, row: Row) -> tuple[str, str]:
    name = str(row["index_name"])
    return name, IndexMetadata(keyspace, table, name, row["kind"], _mapping(row["options"])).export_as_string()


def _function(keyspace: str, name: str, row: Row) -> tuple[str, str]:
    made = Function(
        keyspace,
        name,
        row["argument_types"],
        row["argument_names"],
        row["return_type"],
        row["language"],
        row["body"],
        row["called_on_null_input"],
        row.get("deterministic") or False,
        row.get("monotonic") or False,
        row.get("monotonic_on") or (),
    )
    return made.signature, made.export_as_string()


def _aggregate(keyspace: str, name: str, row: Row) -> tuple[str, str]:
    made = Aggregate(
        keyspace,
        name,
        row["argument_types"],
        row["state_func"],
        row["state_type"],
        row["final_func"],
        row["initcond"],
        row["return_type"],
        row.get("deterministic") or False,
    )
    return made.signature, made.export_as_string()


def _mapping(value: object) -> dict[object, object]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is no map")
    return value


def _written(what: str, write: Callable[[], T]) -> T:
    """What the driver makes of rows whose contents only Keyspaces vouches for."""
    try:
        return write()
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise DescriptionError(
            f"what system_schema says of {what} cannot be made into a statement: select from system_schema to see it",
            code=ErrorCode.SERVER_ERROR,
        ) from error
