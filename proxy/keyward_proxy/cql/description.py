"""What a DESCRIBE asks for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Subject(StrEnum):
    """The forms of DESCRIBE, as Apache Cassandra 4.0 has them."""

    CLUSTER = "CLUSTER"
    SCHEMA = "SCHEMA"
    FULL_SCHEMA = "FULL SCHEMA"
    KEYSPACES = "KEYSPACES"
    TABLES = "TABLES"
    TYPES = "TYPES"
    FUNCTIONS = "FUNCTIONS"
    AGGREGATES = "AGGREGATES"
    KEYSPACE = "KEYSPACE"
    """A keyspace with everything in it."""

    ONLY_KEYSPACE = "ONLY KEYSPACE"
    """A keyspace without what is in it."""

    TABLE = "TABLE"
    INDEX = "INDEX"
    VIEW = "MATERIALIZED VIEW"
    TYPE = "TYPE"
    FUNCTION = "FUNCTION"
    AGGREGATE = "AGGREGATE"
    ANYTHING = "ANYTHING"
    """`DESCRIBE name`: a keyspace, a table, an index or a view, whichever there is, in this order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Description:
    """One DESCRIBE, with the keyspace in use filled in where the statement names none."""

    subject: Subject
    keyspace: str | None = None
    """Where to look: None for everywhere, or where the subject needs a keyspace and none is in use."""

    name: str | None = None
    """What to look for in the keyspace."""

    qualified: bool = False
    """Whether the statement itself named the keyspace."""
