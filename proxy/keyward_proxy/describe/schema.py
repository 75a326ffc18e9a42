"""The rows of system_schema that a DESCRIBE's questions brought, in order and within sight of the caller."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TypeAlias

from keyward_api.decision import EffectiveGrant
from keyward_api.visibility import sees_keyspace, sees_table
from keyward_proxy.describe.inquiry import SchemaPage
from keyward_proxy.describe.names import NAME_COLUMNS
from keyward_proxy.wire.body import Body
from keyward_proxy.wire.errors import ProtocolViolation
from keyward_proxy.wire.page import Cell, read_page

Row: TypeAlias = dict[str, Cell]

_IN_SIGHT_WITH_THEIR_TABLE = frozenset({"tables", "columns", "indexes", "views"})


class Schema:
    """What the caller may know of; everything else is as if it did not exist."""

    def __init__(self, pages: Iterable[SchemaPage], grant: EffectiveGrant) -> None:
        """Raises ProtocolViolation where the pages are not what system_schema holds."""
        self._grant = grant
        self._rows: dict[str, dict[str, dict[str, list[Row]]]] = {}
        for page in pages:
            for row in read_page(Body(page.body, 0, len(page.body))).rows:
                self._add(page.table, row)

    def _add(self, table: str, row: Row) -> None:
        keyspace, name = _text(row, "keyspace_name"), _text(row, NAME_COLUMNS[table])
        if not sees_keyspace(self._grant, keyspace):
            return
        if table in _IN_SIGHT_WITH_THEIR_TABLE and not sees_table(self._grant, keyspace, name):
            return
        if table == "views" and not sees_table(self._grant, keyspace, _text(row, "base_table_name")):
            return
        named = self._rows.setdefault(table, {}).setdefault(keyspace, defaultdict(list))
        named[name].append(row)

    def keyspaces(self) -> list[str]:
        """The keyspaces, by name."""
        return sorted(self._rows.get("keyspaces", {}), key=_order)

    def has_keyspace(self, keyspace: str) -> bool:
        """Whether there is such a keyspace."""
        return keyspace in self._rows.get("keyspaces", {})

    def names(self, table: str, keyspace: str) -> list[str]:
        """What `table` of system_schema holds in the keyspace, by name."""
        return sorted(self._rows.get(table, {}).get(keyspace, ()), key=_order)

    def rows(self, table: str, keyspace: str, name: str) -> list[Row]:
        """The rows of one thing in `table` of system_schema."""
        return self._rows.get(table, {}).get(keyspace, {}).get(name, [])

    def indexed_table(self, keyspace: str, index: str) -> str | None:
        """The table that has such an index."""
        for table, rows in self._rows.get("indexes", {}).get(keyspace, {}).items():
            if any(row.get("index_name") == index for row in rows):
                return table
        return None

    def views_of(self, keyspace: str, table: str) -> list[str]:
        """The views on a table, by name."""
        views = self._rows.get("views", {}).get(keyspace, {})
        return sorted((n for n, rows in views.items() if rows[0].get("base_table_name") == table), key=_order)


def _order(name: str) -> tuple[str, str]:
    """As Cassandra sorts, which looks at upper and lower case alike; then by the name itself."""
    return name.lower(), name


def _text(row: Row, column: str) -> str:
    value = row.get(column)
    if not isinstance(value, str):
        raise ProtocolViolation(f"a row of system_schema without {column}")
    return value
