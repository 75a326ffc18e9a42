"""What the prepared ids of one connection stand for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from sys import getsizeof

from keyward_proxy.cql.cache import cost_of
from keyward_proxy.cql.statement import Statement
from keyward_proxy.session.settings import (
    MAXIMUM_PREPARED_BYTES,
    MAXIMUM_PREPARED_BYTES_OF_ALL,
    PREPARED_BYTES_OF_EACH,
)


@dataclass(kw_only=True, slots=True)
class PreparedRoom:
    """What the prepared statements of all connections take, about."""

    bytes_used: int = 0

    def is_short(self, own: int) -> bool:
        """Whether a connection that has `own` bytes of it must forget some."""
        return own > MAXIMUM_PREPARED_BYTES or (
            own > PREPARED_BYTES_OF_EACH and self.bytes_used > MAXIMUM_PREPARED_BYTES_OF_ALL
        )


class PreparedStatements:
    """Statements by the id that PREPARE returned; the one unused for longest is forgotten first."""

    def __init__(self, room: PreparedRoom) -> None:
        self._room = room
        self._statements: dict[bytes, Statement] = {}
        self._bytes = 0

    def add(self, prepared_id: bytes, statement: Statement) -> None:
        """Keyspaces gave `statement` this id.

        Should one id ever stand for statements on different tables, EXECUTE needs the permissions of all.
        """
        known = self._statements.pop(prepared_id, None)
        if known is not None:
            self._count(-_cost(prepared_id, known))
            if known.accesses != statement.accesses:
                needed = tuple(dict.fromkeys((*known.accesses, *statement.accesses)))
                statement = replace(statement, accesses=needed)
        self._statements[prepared_id] = statement
        self._count(_cost(prepared_id, statement))
        while len(self._statements) > 1 and self._room.is_short(self._bytes):
            oldest = next(iter(self._statements))
            self._count(-_cost(oldest, self._statements.pop(oldest)))

    def get(self, prepared_id: bytes) -> Statement | None:
        """What an id stands for; None if it was not prepared here, or was forgotten."""
        statement = self._statements.pop(prepared_id, None)
        if statement is not None:
            self._statements[prepared_id] = statement
        return statement

    def clear(self) -> None:
        """Forget all: the connection ends."""
        self._statements.clear()
        self._count(-self._bytes)

    def _count(self, difference: int) -> None:
        self._bytes += difference
        self._room.bytes_used += difference


def _cost(prepared_id: bytes, statement: Statement) -> int:
    return getsizeof(prepared_id) + cost_of(statement)
