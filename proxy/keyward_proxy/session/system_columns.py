"""Columns of the tables that an agent answers itself, in the order of `SELECT *`.

Sources: "Amazon Keyspaces system tables" in Amazon Keyspaces' developer guide for system.local and system.peers;
SystemKeyspace and VirtualSchemaKeyspace of Apache Cassandra 4.0 for system.peers_v2 and system_virtual_schema.
"""

from __future__ import annotations

from keyward_proxy.wire.rows import Column, ColumnType

_T = ColumnType

KEYS: dict[tuple[str, str], tuple[str, ...]] = {
    ("system", "local"): ("key",),
    ("system", "peers"): ("peer",),
    ("system", "peers_v2"): ("peer", "peer_port"),
    ("system_virtual_schema", "keyspaces"): ("keyspace_name",),
    ("system_virtual_schema", "tables"): ("keyspace_name", "table_name"),
    ("system_virtual_schema", "columns"): ("keyspace_name", "table_name", "column_name"),
}
"""Key columns, by keyspace and table."""

_TYPES: dict[tuple[str, str], dict[str, ColumnType]] = {
    ("system", "local"): {
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
    ("system", "peers"): {
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
    ("system", "peers_v2"): {
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
    ("system_virtual_schema", "keyspaces"): {"keyspace_name": _T.VARCHAR},
    ("system_virtual_schema", "tables"): {
        "keyspace_name": _T.VARCHAR,
        "table_name": _T.VARCHAR,
        "comment": _T.VARCHAR,
    },
    ("system_virtual_schema", "columns"): {
        "keyspace_name": _T.VARCHAR,
        "table_name": _T.VARCHAR,
        "column_name": _T.VARCHAR,
        "clustering_order": _T.VARCHAR,
        "column_name_bytes": _T.BLOB,
        "kind": _T.VARCHAR,
        "position": _T.INT,
        "type": _T.VARCHAR,
    },
}

COLUMNS: dict[tuple[str, str], dict[str, Column]] = {
    table: {name: Column(name, kind) for name, kind in types.items()} for table, types in _TYPES.items()
}
"""All columns by name, by keyspace and table."""
