"""Answers system.local, system.peers and system.peers_v2, so that drivers stay on the agents.

Keyspaces would tell drivers its own addresses there, and they would connect past the agent. Drivers see one node:
the Service through which the agents are reached. Columns: those of Amazon Keyspaces' developer guide ("Amazon
Keyspaces system tables"), and for peers_v2 those of Apache Cassandra 4.
"""

from __future__ import annotations

import hashlib
import ipaddress
import uuid
from dataclasses import dataclass

from keyward_api.permissions import StatementForm
from keyward_api.resources.policy import PolicyDatabase
from keyward_proxy.cql.statement import Equality, Selection, Statement
from keyward_proxy.reported import CLUSTER_NAME, CQL_VERSION, PARTITIONER, RELEASE_VERSION
from keyward_proxy.wire.requests import Values
from keyward_proxy.wire.rows import Column, ColumnType, Value, prepared_body, rows_body

KEYSPACE = "system"
_T = ColumnType
_TYPES = {
    "local": {
        "key": _T.VARCHAR,
        "bootstrapped": _T.VARCHAR,
        "broadcast_address": _T.INET,
        "cluster_name": _T.VARCHAR,
        "cql_version": _T.VARCHAR,
        "data_center": _T.VARCHAR,
        "gossip_generation": _T.INT,
        "host_id": _T.UUID,
        "listen_address": _T.INET,
        "native_protocol_version": _T.VARCHAR,
        "partitioner": _T.VARCHAR,
        "rack": _T.VARCHAR,
        "release_version": _T.VARCHAR,
        "rpc_address": _T.INET,
        "schema_version": _T.UUID,
        "thrift_version": _T.VARCHAR,
        "tokens": _T.SET_OF_VARCHAR,
        "truncated_at": _T.MAP_OF_UUID_TO_BLOB,
    },
    "peers": {
        "peer": _T.INET,
        "data_center": _T.VARCHAR,
        "host_id": _T.UUID,
        "preferred_ip": _T.INET,
        "rack": _T.VARCHAR,
        "release_version": _T.VARCHAR,
        "rpc_address": _T.INET,
        "schema_version": _T.UUID,
        "tokens": _T.SET_OF_VARCHAR,
    },
    "peers_v2": {
        "peer": _T.INET,
        "peer_port": _T.INT,
        "data_center": _T.VARCHAR,
        "host_id": _T.UUID,
        "native_address": _T.INET,
        "native_port": _T.INT,
        "preferred_ip": _T.INET,
        "preferred_port": _T.INT,
        "rack": _T.VARCHAR,
        "release_version": _T.VARCHAR,
        "schema_version": _T.UUID,
        "tokens": _T.SET_OF_VARCHAR,
    },
}
_KEYS = {"local": ("key",), "peers": ("peer",), "peers_v2": ("peer", "peer_port")}
_COLUMNS = {table: {name: Column(name, kind) for name, kind in types.items()} for table, types in _TYPES.items()}
_TOKEN = "0"  # noqa: S105 - a token of the hash ring


class SystemTableError(Exception):
    """A query of these tables that is not answered; the text is for the client."""


def is_answered_here(statement: Statement) -> bool:
    """Whether `statement` reads one of these tables."""
    if statement.form is not StatementForm.SELECT:
        return False
    access = statement.accesses[0]
    return access.keyspace == KEYSPACE and access.table in _COLUMNS


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemTables:
    """The tables of one database, as clients that connect through `address` shall see them."""

    database: PolicyDatabase
    address: str
    """IP address of the node that drivers see."""

    def rows(self, statement: Statement, values: Values, *, skip_metadata: bool) -> tuple[bytes, int]:
        """The body of a RESULT Rows, and how many rows it has. Raises SystemTableError."""
        table, selection = _selection(statement)
        columns = _selected(table, selection)
        found = self._found(table, selection, values)
        if any(selector.counts for selector in selection.selectors):
            rows: list[list[Value]] = [[len(found) if c.type is _T.BIGINT else None for c in columns]]
        else:
            names = [selector.column for selector in selection.selectors] or list(_TYPES[table])
            rows = [[row[name] for name in names] for row in found]
        body = rows_body(KEYSPACE, table, columns, rows, skip_metadata=skip_metadata)
        return body, len(rows)

    def prepared(self, statement: Statement, *, version: int) -> tuple[bytes, bytes]:
        """The body of a RESULT Prepared, and the id in it. Raises SystemTableError."""
        table, selection = _selection(statement)
        columns = _selected(table, selection)
        variables = [
            Column(equality.term.marker or equality.column, _TYPES[table][equality.column])
            for equality in _checked(table, selection)
            if equality.term.marker is not None
        ]
        prepared_id = hashlib.sha256(f"{table}:{statement.sha256}".encode()).digest()[:16]
        return prepared_body(version, prepared_id, KEYSPACE, table, variables, columns), prepared_id

    def _found(self, table: str, selection: Selection, values: Values) -> list[dict[str, Value]]:
        """The rows that the equalities leave; of peers there are none."""
        keys = _bound(_checked(table, selection), values)
        if table != "local" or any(key != b"local" for key in keys):
            return []
        return [self._local()]

    def _local(self) -> dict[str, Value]:
        database = self.database
        address = ipaddress.ip_address(self.address)
        return {
            "key": "local",
            "bootstrapped": "COMPLETED",
            "broadcast_address": address,
            "cluster_name": CLUSTER_NAME,
            "cql_version": CQL_VERSION,
            "data_center": database.region,
            "gossip_generation": 0,
            "host_id": _stable_uuid(database, "host"),
            "listen_address": address,
            "native_protocol_version": "4",
            "partitioner": PARTITIONER,
            "rack": database.region,
            "release_version": RELEASE_VERSION,
            "rpc_address": address,
            "schema_version": _stable_uuid(database, "schema"),
            "thrift_version": "20.1.0",
            "tokens": frozenset({_TOKEN}),
            "truncated_at": None,
        }


def _selection(statement: Statement) -> tuple[str, Selection]:
    table = statement.accesses[0].table or ""
    if statement.selection is None:
        raise SystemTableError(
            f"the agent answers {KEYSPACE}.{table} itself, and only SELECTs of columns or count(*) "
            "with no more than `WHERE key = …`: simplify the query"
        )
    return table, statement.selection


def _selected(table: str, selection: Selection) -> list[Column]:
    """The result's columns, under their aliases."""
    columns = []
    for selector in selection.selectors:
        if selector.counts:
            column = Column(selector.alias or "count", _T.BIGINT)
        elif selector.column in _TYPES[table]:
            column = Column(selector.alias or selector.column, _TYPES[table][selector.column])
        else:
            raise SystemTableError(f"Undefined column name {selector.column} in table {KEYSPACE}.{table}")
        columns.append(column)
    return columns or list(_COLUMNS[table].values())


def _checked(table: str, selection: Selection) -> tuple[Equality, ...]:
    for equality in selection.equalities:
        if equality.column not in _KEYS[table]:
            raise SystemTableError(
                f"{KEYSPACE}.{table} is answered by its key ({', '.join(_KEYS[table])}) only, not by {equality.column}"
            )
    return selection.equalities


def _bound(equalities: tuple[Equality, ...], values: Values) -> list[bytes | None]:
    """What each equality compares with, as bytes on the wire."""
    bound: list[bytes | None] = []
    positional = iter(values.positional)
    for equality in equalities:
        term = equality.term
        if term.marker is None:
            bound.append((term.literal or "").encode())
        elif values.named is not None and term.marker in values.named:
            bound.append(values.named[term.marker])
        else:
            try:
                bound.append(next(positional))
            except StopIteration:
                raise SystemTableError(f"no value is bound to {equality.column}") from None
    return bound


def _stable_uuid(database: PolicyDatabase, purpose: str) -> uuid.UUID:
    """The same on every agent of the database, and after every restart."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"keyward.dev/databases/{database.uid}/{purpose}")
