"""Reads INSERT, UPDATE and DELETE.

Source: Parser.g of Apache Cassandra 3.11, rules `insertStatement`, `updateStatement`, `deleteStatement`.
"""

from __future__ import annotations

from keyward_proxy.cql.lexer import INTEGER, STRING
from keyward_proxy.cql.relations import RelationReader


class WriteReader(RelationReader):
    """Reads from behind the verb on; each statement's method returns its keyspace and table."""

    def __init__(self, text: str, keyspace: str | None) -> None:
        self.conditional = False
        """Whether an IF was read: such a statement also reads."""

        super().__init__(text, keyspace)

    def insert(self) -> tuple[str, str]:
        """INSERT."""
        self.expect("INTO")
        table = self.table()
        if self.accept("JSON"):
            self._json()
        else:
            self.expect("(")
            self.column_list()
            self.expect("VALUES", "(")
            self.terms(")")
        if self.accept("IF"):
            self.expect("NOT", "EXISTS")
            self.conditional = True
        self._using()
        return table

    def _json(self) -> None:
        if self.kind == STRING:
            self.advance()
        else:
            self.marker()
        if self.accept("DEFAULT") and not (self.accept("NULL") or self.accept("UNSET")):
            raise self.expected("NULL or UNSET")

    def update(self) -> tuple[str, str]:
        """UPDATE."""
        table = self.table()
        self._using()
        self.expect("SET")
        self._assignment()
        while self.accept(","):
            self._assignment()
        self.expect("WHERE")
        self.where()
        self._if()
        return table

    def _assignment(self) -> None:
        column = self.name("the name of a column")
        if self.accept("["):
            self.term()
            self.expect("]", "=")
            self.term()
        elif self.accept("."):
            self.name("the name of a field")
            self.expect("=")
            self.term()
        elif self.accept("+=") or self.accept("-="):
            self.term()
        else:
            self.expect("=")
            self._assigned(column)

    def _assigned(self, column: str) -> None:
        """The right side: a term, `term + column` or `column + term`; `column - 1` may be written `column -1`."""
        if not self.at_name or self.keyword in ("TRUE", "FALSE") or self.calls_function():
            self.term()
            if self.accept("+"):
                self.name(f"'{column}'")
            return
        self.name(f"'{column}'")
        if self.accept("+") or self.accept("-"):
            self.term()
        elif self.kind == INTEGER and self.value.startswith("-"):
            self.advance()
        else:
            raise self.expected("+ or -")

    def delete(self) -> tuple[str, str]:
        """DELETE."""
        if self.keyword != "FROM":
            self._deletion()
            while self.accept(","):
                self._deletion()
        self.expect("FROM")
        table = self.table()
        self._using()
        self.expect("WHERE")
        self.where()
        self._if()
        return table

    def _deletion(self) -> None:
        self.name("the name of a column")
        if self.accept("["):
            self.term()
            self.expect("]")
        elif self.accept("."):
            self.name("the name of a field")

    def _using(self) -> None:
        if not self.accept("USING"):
            return
        while True:
            if not (self.accept("TIMESTAMP") or self.accept("TTL")):
                raise self.expected("TIMESTAMP or TTL")
            self.integer_value("a number")
            if not self.accept("AND"):
                return

    def _if(self) -> None:
        if not self.accept("IF"):
            return
        self.conditional = True
        if self.keyword == "EXISTS" and self.following() in ("", ";"):
            self.advance()
            return
        self._condition()
        while self.accept("AND"):
            self._condition()

    def _condition(self) -> None:
        self.name("the name of a column")
        if self.accept("["):
            self.term()
            self.expect("]")
        elif self.accept("."):
            self.name("the name of a field")
        if self.accept("IN"):
            self.in_values()
            return
        self.comparison()
        self.term()
