"""What the prepared ids of one connection stand for."""

from __future__ import annotations

from dataclasses import replace

from keyward_proxy.cql.statement import Statement
from keyward_proxy.session.settings import MAXIMUM_PREPARED


class PreparedStatements:
    """Statements by the id that PREPARE returned; the one unused for longest is forgotten first."""

    def __init__(self, *, maximum: int = MAXIMUM_PREPARED) -> None:
        self._maximum = maximum
        self._statements: dict[bytes, Statement] = {}

    def add(self, prepared_id: bytes, statement: Statement) -> None:
        """Keyspaces gave `statement` this id.

        Should one id ever stand for statements on different tables, EXECUTE needs the permissions of all.
        """
        known = self._statements.pop(prepared_id, None)
        if known is not None and known.accesses != statement.accesses:
            needed = tuple(dict.fromkeys((*known.accesses, *statement.accesses)))
            statement = replace(statement, accesses=needed)
        self._statements[prepared_id] = statement
        if len(self._statements) > self._maximum:
            del self._statements[next(iter(self._statements))]

    def get(self, prepared_id: bytes) -> Statement | None:
        """What an id stands for; None if it was not prepared here, or was forgotten."""
        statement = self._statements.pop(prepared_id, None)
        if statement is not None:
            self._statements[prepared_id] = statement
        return statement
