"""Reads SELECT.

Source: Parser.g of Apache Cassandra 3.11, rule `selectStatement`.
"""

from __future__ import annotations

from keyward_api.decision import is_system
from keyward_api.permissions import StatementForm
from keyward_proxy.cql.lexer import INTEGER
from keyward_proxy.cql.relations import RelationReader
from keyward_proxy.cql.statement import Selection, Selector

_BEHIND_A_COLUMN = frozenset({",", "FROM", "AS", ".", "("})
"""JSON and DISTINCT are names of columns where one of these follows."""

MAXIMUM_SELECTORS = 100
"""That an agent answers; the widest system table has not half as many columns."""

_LIMIT_DIGITS = 10
"""LIMIT is a signed number of 32 bits."""


class SelectReader(RelationReader):
    """Reads from behind the verb on."""

    def select(self) -> StatementForm:
        """SELECT; keeps its shape where that is simple and an agent may have to answer."""
        self._modifiers()
        selectors = self._selectors()
        self.expect("FROM")
        keyspace, table = self.table()
        equalities = self.where() if self.accept("WHERE") else ()
        limit = self._select_tail()
        if self.simple and is_system(keyspace) and len(selectors) <= MAXIMUM_SELECTORS:
            self.selection = Selection(selectors=selectors, equalities=equalities, limit=limit)
        return self.needs(StatementForm.SELECT, keyspace, table)

    def _modifiers(self) -> None:
        for keyword in ("JSON", "DISTINCT"):
            if self.keyword == keyword and self.following() not in _BEHIND_A_COLUMN:
                self.simple = False
                self.advance()

    def _selectors(self) -> tuple[Selector, ...]:
        if self.accept("*"):
            return ()
        selectors = [self._aliased_selector()]
        while self.accept(","):
            selectors.append(self._aliased_selector())
        return tuple(selectors)

    def _aliased_selector(self) -> Selector:
        selector = self._selector()
        if self.accept("AS"):
            selector = Selector(column=selector.column, counts=selector.counts, alias=self.name("the name of a column"))
        return selector

    def _selector(self) -> Selector:
        if self.keyword == "COUNT" and self.following() == "(":
            selector = self._count()
        elif self.keyword == "CAST" and self.following() == "(":
            selector = self._cast()
        elif self.keyword == "TOKEN" or (self.at_name and self.calls_function()):
            selector = self._call()
        elif self.at_name:
            selector = Selector(column=self.name("the name of a column"))
        else:
            self.simple = False
            self.term()
            selector = Selector(column="")
        while self.accept("."):
            self.simple = False
            self.name("the name of a field")
        return selector

    def _count(self) -> Selector:
        self.advance()
        self.expect("(")
        if self.kind is INTEGER:
            self.advance()
        elif not self.accept("*"):
            self.simple = False
            self._selector()
        self.expect(")")
        return Selector(column="count", counts=True)

    def _cast(self) -> Selector:
        self.simple = False
        self.advance()
        self.expect("(")
        self.descend()
        self._selector()
        self.ascend()
        self.expect("AS")
        self.type()
        self.expect(")")
        return Selector(column="cast")

    def _call(self) -> Selector:
        self.simple = False
        if not self.accept("TOKEN"):
            self.function_name(self.name("the name of a function"))
        self.expect("(")
        self.descend()
        if not self.accept(")"):
            self._selector()
            while self.accept(","):
                self._selector()
            self.expect(")")
        self.ascend()
        return Selector(column="call")

    def _select_tail(self) -> int | None:
        """What stands behind WHERE; returns the number of LIMIT."""
        limit = None
        if self.accept("GROUP"):
            self.expect("BY")
            self._columns_of_tail()
        if self.accept("ORDER"):
            self.expect("BY")
            self._columns_of_tail()
        if self.accept("PER"):
            self.expect("PARTITION", "LIMIT")
            self._limit()
        if self.accept("LIMIT"):
            limit = self._limit()
        if self.accept("ALLOW"):
            self.expect("FILTERING")
        return limit

    def _columns_of_tail(self) -> None:
        self.simple = False
        while True:
            self.name("the name of a column")
            if self.keyword in ("ASC", "DESC"):
                self.advance()
            if not self.accept(","):
                return

    def _limit(self) -> int | None:
        number = self.value
        if self.integer_value("a number of rows") and len(number) <= _LIMIT_DIGITS:
            return int(number)
        self.simple = False
        return None
