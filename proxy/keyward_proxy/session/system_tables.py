"""Answers system.local, system.peers, system.peers_v2 and system_virtual_schema, so that drivers stay on the agents.

Keyspaces would tell drivers its own addresses, and they would connect past the agent. Drivers see the agents as nodes
instead (`cluster`). Keyspaces has no virtual tables: drivers that ask for them read an empty schema.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass

from keyward_api.names import CQL_PORT
from keyward_api.permissions import StatementForm
from keyward_api.resources.policy import PolicyDatabase
from keyward_proxy.cql.statement import Equality, Selection, Statement
from keyward_proxy.reported import (
    CLUSTER_NAME,
    CQL_VERSION,
    NATIVE_PROTOCOL_VERSION,
    PARTITIONER,
    RELEASE_VERSION,
)
from keyward_proxy.session.cluster import Cluster, Node, stable_uuid
from keyward_proxy.session.system_columns import COLUMNS, KEYS
from keyward_proxy.wire.requests import Values
from keyward_proxy.wire.rows import Column, ColumnType, Value, prepared_body, rows_body, value_bytes

STORAGE_PORT = 7000
"""Where Cassandra's nodes talk to each other, which is part of the key of peers_v2. Nothing listens there."""

Row = dict[str, Value]


class SystemTableError(Exception):
    """A query of these tables that is not answered; the text is for the client."""


def is_answered_here(statement: Statement) -> bool:
    """Whether `statement` reads one of these tables."""
    if statement.form is not StatementForm.SELECT:
        return False
    access = statement.accesses[0]
    return (access.keyspace, access.table) in COLUMNS


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemTables:
    """The tables of one database, as a client shall see them."""

    database: PolicyDatabase
    cluster: Cluster

    def rows(self, statement: Statement, values: Values, *, skip_metadata: bool) -> tuple[bytes, int]:
        """The body of a RESULT Rows, and how many rows it has. Raises SystemTableError."""
        table, selection = _selection(statement)
        columns = _selected(table, selection)
        found = self._found(table, selection, values)
        if any(selector.counts for selector in selection.selectors):
            rows: list[list[Value]] = [[len(found) if c.type is ColumnType.BIGINT else None for c in columns]]
        else:
            names = [selector.column for selector in selection.selectors] or list(COLUMNS[table])
            rows = [[row[name] for name in names] for row in found][: selection.limit]
        body = rows_body(*table, columns, rows, skip_metadata=skip_metadata)
        return body, len(rows)

    def prepared(self, statement: Statement, *, version: int) -> tuple[bytes, bytes]:
        """The body of a RESULT Prepared, and the id in it. Raises SystemTableError."""
        table, selection = _selection(statement)
        columns = _selected(table, selection)
        variables = [
            Column(equality.term.marker or equality.column, COLUMNS[table][equality.column].type)
            for equality in _checked(table, selection)
            if equality.term.marker is not None
        ]
        prepared_id = hashlib.sha256(f"{'.'.join(table)}:{statement.sha256}".encode()).digest()[:16]
        return prepared_body(version, prepared_id, *table, variables, columns), prepared_id

    def _found(self, table: tuple[str, str], selection: Selection, values: Values) -> list[Row]:
        """The rows that the equalities leave."""
        equalities = _checked(table, selection)
        wanted = _bound(table, equalities, values)
        columns = [COLUMNS[table][equality.column] for equality in equalities]
        return [
            row
            for row in self._rows(table)
            if all(
                value_bytes(row[column.name], column.type) == value
                for column, value in zip(columns, wanted, strict=True)
            )
        ]

    def _rows(self, table: tuple[str, str]) -> list[Row]:
        match table:
            case ("system", "local"):
                return [self._local()]
            case ("system", "peers"):
                return [self._peer(node) for node in self.cluster.peers]
            case ("system", "peers_v2"):
                return [self._peer_v2(node) for node in self.cluster.peers]
            case _:
                return []

    def _local(self) -> Row:
        node = self.cluster.local
        return self._node(node) | {
            "key": "local",
            "bootstrapped": "COMPLETED",
            "broadcast_address": node.address,
            "cluster_name": CLUSTER_NAME,
            "cql_version": CQL_VERSION,
            "gossip_generation": 0,
            "listen_address": node.address,
            "native_protocol_version": NATIVE_PROTOCOL_VERSION,
            "partitioner": PARTITIONER,
            "rpc_address": node.address,
            "thrift_version": "20.1.0",
            "truncated_at": None,
        }

    def _peer(self, node: Node) -> Row:
        return self._node(node) | {"peer": node.address, "preferred_ip": None, "rpc_address": node.address}

    def _peer_v2(self, node: Node) -> Row:
        return self._node(node) | {
            "peer": node.address,
            "peer_port": STORAGE_PORT,
            "native_address": node.address,
            "native_port": CQL_PORT,
            "preferred_ip": None,
            "preferred_port": None,
        }

    def _node(self, node: Node) -> Row:
        """What all three tables tell of a node."""
        return {
            "data_center": self.database.region,
            "host_id": node.host_id,
            "rack": self.database.region,
            "release_version": RELEASE_VERSION,
            "schema_version": stable_uuid(self.database, "schema"),
            "tokens": frozenset({node.token}),
        }


def _selection(statement: Statement) -> tuple[tuple[str, str], Selection]:
    access = statement.accesses[0]
    table = (access.keyspace, access.table or "")
    if statement.selection is None:
        raise SystemTableError(
            f"the agent answers {access.resource} itself, and only SELECTs of columns or count(*) "
            "with no more than `WHERE key = …`: simplify the query"
        )
    if statement.selection.limit is not None and statement.selection.limit <= 0:
        raise SystemTableError("LIMIT must be strictly positive")
    return table, statement.selection


def _selected(table: tuple[str, str], selection: Selection) -> list[Column]:
    """The result's columns, under their aliases."""
    columns = []
    for selector in selection.selectors:
        if selector.counts:
            column = Column(selector.alias or "count", ColumnType.BIGINT)
        elif selector.column in COLUMNS[table]:
            column = Column(selector.alias or selector.column, COLUMNS[table][selector.column].type)
        else:
            raise SystemTableError(f"Undefined column name {selector.column} in table {'.'.join(table)}")
        columns.append(column)
    return columns or list(COLUMNS[table].values())


def _checked(table: tuple[str, str], selection: Selection) -> tuple[Equality, ...]:
    for equality in selection.equalities:
        if equality.column not in KEYS[table]:
            raise SystemTableError(
                f"{'.'.join(table)} is answered by its key ({', '.join(KEYS[table])}) only, not by {equality.column}"
            )
    return selection.equalities


def _bound(table: tuple[str, str], equalities: tuple[Equality, ...], values: Values) -> list[bytes | None]:
    """What each equality compares with, as bytes on the wire."""
    bound: list[bytes | None] = []
    positional = iter(values.positional)
    for equality in equalities:
        term = equality.term
        if term.marker is None:
            bound.append(_literal(term.literal or "", COLUMNS[table][equality.column].type))
        elif values.named is not None and (term.marker or equality.column) in values.named:
            bound.append(values.named[term.marker or equality.column])
        else:
            try:
                bound.append(next(positional))
            except StopIteration:
                raise SystemTableError(f"no value is bound to {equality.column}") from None
    return bound


def _literal(text: str, kind: ColumnType) -> bytes:
    """A string literal as a value of the column's type."""
    if kind is not ColumnType.INET:
        return text.encode()
    try:
        return ipaddress.ip_address(text).packed
    except ValueError:
        raise SystemTableError(f"'{text[:64]}' is not an IP address") from None
