"""Consistency levels: which ones Keyspaces accepts, and what the agent makes of the others.

Codes: CQL native protocol v4, section 3 `[consistency]`. Accepted levels: Amazon Keyspaces developer guide,
"Supported Apache Cassandra read and write consistency levels"; the check applies to USE too, as to reads.
Serial levels travel in a field of their own and are passed on.
"""

from enum import IntEnum


class ConsistencyLevel(IntEnum):
    """`[consistency]` of the native protocol."""

    ANY = 0x0000
    ONE = 0x0001
    TWO = 0x0002
    THREE = 0x0003
    QUORUM = 0x0004
    ALL = 0x0005
    LOCAL_QUORUM = 0x0006
    EACH_QUORUM = 0x0007
    SERIAL = 0x0008
    LOCAL_SERIAL = 0x0009
    LOCAL_ONE = 0x000A


READ_LEVELS = frozenset({ConsistencyLevel.ONE, ConsistencyLevel.LOCAL_ONE, ConsistencyLevel.LOCAL_QUORUM})
WRITE_LEVELS = frozenset({ConsistencyLevel.LOCAL_QUORUM})
SERIAL_LEVELS = frozenset({ConsistencyLevel.SERIAL, ConsistencyLevel.LOCAL_SERIAL})


def accepted(level: ConsistencyLevel, *, write: bool) -> bool:
    """Whether Keyspaces runs a statement at this level."""
    return level in SERIAL_LEVELS or level in (WRITE_LEVELS if write else READ_LEVELS)


def effective(level: ConsistencyLevel, *, write: bool) -> ConsistencyLevel:
    """The level that the agent sends unless the database says `PassThrough`: the client's, or LOCAL_QUORUM.

    The client's where Keyspaces accepts it.

    LOCAL_QUORUM is the strongest that Keyspaces has, so nothing is weakened that could have run.
    """
    return level if accepted(level, write=write) else ConsistencyLevel.LOCAL_QUORUM
