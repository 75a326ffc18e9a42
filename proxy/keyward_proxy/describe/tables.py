"""Has the Python driver's schema parser make a table's metadata from rows that are at hand.

The parser knows how tables of every age are written down in system_schema. It asks a connection for rows; here it gets
one that has them already. It writes the options of the release that the agent reports: Keyspaces still keeps
`read_repair_chance` and `dclocal_read_repair_chance`, which mean nothing there and which Cassandra 4 refuses.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Protocol

from cassandra.metadata import get_schema_parser

from keyward_proxy.describe.schema import Row
from keyward_proxy.reported import RELEASE_VERSION

# It logs what it cannot parse, with the rows; here that becomes an error for whoever asked.
logging.getLogger("cassandra.metadata").setLevel(logging.CRITICAL)


class Table(Protocol):
    """A table or a view, as the driver knows it."""

    partition_key: list[object]

    def as_cql_query(self, formatted: bool) -> str:
        """Its CREATE statement, without a semicolon."""


def table_metadata(keyspace: str, name: str, rows: Mapping[str, list[Row]]) -> Table:
    """The table or view of that name. Raises ValueError where the rows make none."""
    parser = get_schema_parser(_Connection(rows), RELEASE_VERSION, None, None)
    made: Table | None = parser.get_table(None, keyspace, name)
    if made is None or getattr(made, "_exc_info", None) or not made.partition_key:
        raise ValueError(f"the rows of {keyspace}.{name} make no table")
    return made


class _Message(Protocol):
    """A QUERY, as the driver knows it."""

    query: str


class _Result:
    """Rows as the driver's protocol code would have read them."""

    def __init__(self, rows: Iterable[Row]) -> None:
        listed = list(rows)
        self.column_names = list(dict.fromkeys(name for row in listed for name in row))
        self.parsed_rows = [tuple(row.get(name) for name in self.column_names) for row in listed]


class _Connection:
    """What the parser takes for a connection."""

    def __init__(self, rows: Mapping[str, list[Row]]) -> None:
        self._rows = rows

    def wait_for_responses(
        self, *messages: _Message, timeout: object, fail_on_error: bool
    ) -> list[tuple[bool, _Result]]:
        return [(True, _Result(self._rows.get(_asked_table(message.query), ()))) for message in messages]


def _asked_table(query: str) -> str:
    return query.partition(" system_schema.")[2].partition(" ")[0]
