"""Reads BEGIN BATCH … APPLY BATCH as text.

Source: Parser.g of Apache Cassandra 3.11, rule `batchStatement`.
"""

from __future__ import annotations

from collections.abc import Callable

from keyward_api.permissions import StatementForm
from keyward_proxy.cql.writing import WriteReader


class BatchReader(WriteReader):
    """Reads from behind the verb on."""

    def batch(self) -> StatementForm:
        """A batch: it needs what its statements need."""
        if self.keyword in ("UNLOGGED", "COUNTER"):
            self.advance()
        self.expect("BATCH")
        self.using("TIMESTAMP", "TTL")
        while not self.accept("APPLY"):
            self._child()
            self.accept(";")
        self.expect("BATCH")
        return StatementForm.BATCH

    def _child(self) -> None:
        read = _CHILDREN.get(self.keyword)
        if read is None:
            raise self.expected("INSERT, UPDATE, DELETE or APPLY BATCH")
        self.advance()
        read(self)
        self.children += 1


_CHILDREN: dict[str, Callable[[BatchReader], StatementForm]] = {
    "INSERT": BatchReader.insert,
    "UPDATE": BatchReader.update_of_rows,
    "DELETE": BatchReader.delete,
}
