"""What is refused by its first words, with what to do instead."""

from __future__ import annotations

from keyward_proxy.cql.errors import INVALID, UnreadableStatement

_ROLES = "Amazon Keyspaces has no roles of its own: permissions come from KeyspacesRole, KeyspacesUser and IAM"
_INDEXES = "Amazon Keyspaces has no indexes: select by primary key, or keep a second table with another key"
_FUNCTIONS = "Amazon Keyspaces has no user-defined functions and aggregates: compute in the application"

STATEMENTS = {
    "TRUNCATE": "Amazon Keyspaces has no TRUNCATE: delete rows, or drop and create the table",
    "GRANT": "Amazon Keyspaces has no GRANT: permissions come from KeyspacesRole and IAM",
    "REVOKE": "Amazon Keyspaces has no REVOKE: permissions come from KeyspacesRole and IAM",
    "LIST": "Amazon Keyspaces has no roles of its own to list: see KeyspacesRole and KeyspacesUser",
    "ADD": _ROLES,
}
"""Whole statements by their verb."""

DEFINITIONS = {
    "INDEX": _INDEXES,
    "CUSTOM": _INDEXES,
    "MATERIALIZED": "Amazon Keyspaces has no materialized views: write to a second table with another key",
    "OR": _FUNCTIONS,
    "FUNCTION": _FUNCTIONS,
    "AGGREGATE": _FUNCTIONS,
    "TRIGGER": "Amazon Keyspaces has no triggers: read the table's change data capture (CDC) stream",
    "USER": _ROLES,
    "ROLE": _ROLES,
    "IDENTITY": _ROLES,
}
"""What CREATE, ALTER and DROP may not be about, by its first word."""

SECOND_WORDS = {"CUSTOM": "INDEX", "MATERIALIZED": "VIEW", "OR": "REPLACE"}
"""What belongs to a first word when the statement is named."""

VECTORS = "Amazon Keyspaces has no vectors: keep them in a frozen<list<float>> or a blob"


def definition(verb: str, kind: str) -> UnreadableStatement:
    """A CREATE, ALTER or DROP of a kind in DEFINITIONS."""
    words = f"{verb} {kind} {SECOND_WORDS.get(kind, '')}".rstrip()
    return refused(words, DEFINITIONS[kind])


def refused(what: str, why: str) -> UnreadableStatement:
    """A statement, or a part of one, that Amazon Keyspaces does not have."""
    return UnreadableStatement(f"{what} is refused: {why}", code=INVALID)
