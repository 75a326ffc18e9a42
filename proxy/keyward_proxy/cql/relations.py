"""Reads table names and WHERE: what all statements on a table share.

Source: Parser.g of Apache Cassandra 3.11, rules `columnFamilyName` and `relation`.
"""

from __future__ import annotations

from keyward_proxy.cql.errors import INVALID, UnreadableStatement
from keyward_proxy.cql.statement import Equality
from keyward_proxy.cql.terms import TermReader

_COMPARISONS = frozenset({"=", "<", "<=", ">", ">=", "!="})


class RelationReader(TermReader):
    """Reads from the current token on."""

    def __init__(self, text: str, keyspace: str | None) -> None:
        self._keyspace = keyspace
        self.simple = True
        """Whether what was read of a SELECT fits a Selection."""

        super().__init__(text)

    def table(self) -> tuple[str, str]:
        """A table as keyspace and name; an unqualified one is in the keyspace in use."""
        first = self.name("the name of a table")
        if self.accept("."):
            return first, self.name("the name of a table")
        if self._keyspace is None:
            raise UnreadableStatement(
                f"no keyspace is in use for table '{first}': write it as keyspace.{first}, or USE a keyspace",
                code=INVALID,
            )
        return self._keyspace, first

    def where(self) -> tuple[Equality, ...]:
        """Relations joined by AND; returns the equalities among them."""
        equalities: list[Equality] = []
        while True:
            equality = self._relation()
            if equality is None:
                self.simple = False
            else:
                equalities.append(equality)
            if not self.accept("AND"):
                return tuple(equalities)

    def _relation(self) -> Equality | None:
        if self.accept("TOKEN"):
            self.expect("(")
            self.column_list()
            self.comparison()
            self.term()
            return None
        if self.accept("("):
            with self.nested():
                self._parenthesised_relation()
            return None
        column = self.name("the name of a column")
        if self.accept("["):
            self.term()
            self.expect("]")
            self.comparison()
            self.term()
            return None
        return self._column_relation(column)

    def _column_relation(self, column: str) -> Equality | None:
        if self.accept("="):
            term = self.term()
            return Equality(column=column, term=term) if term is not None else None
        if self.accept("IN"):
            self.in_values()
        elif self.accept("CONTAINS"):
            self.accept("KEY")
            self.term()
        elif self.accept("IS"):
            self.expect("NOT", "NULL")
        elif self.accept("LIKE"):
            self.term()
        else:
            self.comparison()
            self.term()
        return None

    def _parenthesised_relation(self) -> None:
        """`(a, b) = …`, `(a, b) IN …` or a relation in parentheses, behind `(`."""
        if self.at_name and self.following() in (",", ")"):
            self.column_list()
            if self.accept("IN"):
                self.in_values()
                return
            self.comparison()
            self.term()
            return
        self._relation()
        self.expect(")")

    def column_list(self) -> None:
        """Names of columns up to and with `)`."""
        self.name("the name of a column")
        while self.accept(","):
            self.name("the name of a column")
        self.expect(")")

    def in_values(self) -> None:
        """What stands behind IN."""
        if self.at_marker:
            self.marker()
            return
        self.expect("(")
        self.terms(")")

    def comparison(self) -> None:
        """A comparison operator."""
        if self.keyword not in _COMPARISONS:
            raise self.expected("a comparison")
        self.advance()
