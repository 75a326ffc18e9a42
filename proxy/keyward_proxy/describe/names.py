"""The tables of system_schema that a description is made of."""

from __future__ import annotations

NAME_COLUMNS = {
    "keyspaces": "keyspace_name",
    "tables": "table_name",
    "columns": "table_name",
    "indexes": "table_name",
    "views": "view_name",
    "types": "type_name",
    "functions": "function_name",
    "aggregates": "aggregate_name",
}
"""Each table, and the column that names what its rows are about."""
