"""Reads table names and WHERE: what all statements on a table share.

Source: Parser.g of Apache Cassandra 3.11, rules `columnFamilyName` and `relation`.
"""

from __future__ import annotations

import re

from keyward_api.decision import Access
from keyward_api.permissions import FORMS, StatementForm
from keyward_proxy.cql.description import Description
from keyward_proxy.cql.errors import INVALID, UnreadableStatement
from keyward_proxy.cql.statement import Equality, Selection
from keyward_proxy.cql.terms import TermReader

COMPARISONS = frozenset({"=", "<", "<=", ">", ">=", "!="})

MAXIMUM_NAME = 48
"""Characters in the name of a keyspace, a table or a type, in Amazon Keyspaces and in Cassandra."""


_PLAIN_NAME = re.compile(r"[a-z][a-z0-9_]*")


class RelationReader(TermReader):
    """Reads from the current token on."""

    def __init__(self, text: str, keyspace: str | None) -> None:
        self._keyspace = keyspace
        self.accesses: list[Access] = []
        """What the statement needs, as far as it was read."""

        self.use_keyspace: str | None = None
        self.selection: Selection | None = None
        self.described: Description | None = None
        self.children = 0
        self.simple = True
        """Whether what was read has no part that a Selection has no place for."""

        super().__init__(text)

    def needs(self, form: StatementForm, keyspace: str, table: str | None = None) -> StatementForm:
        """Note what a statement of that form needs on what it names; returns the form."""
        for permission in FORMS[form].permissions:
            self.accesses.append(Access(permission=permission, keyspace=keyspace, table=table))
        return form

    def table(self) -> tuple[str, str]:
        """A table as keyspace and name; an unqualified one is in the keyspace in use."""
        return self.qualified("table")

    def qualified(self, what: str) -> tuple[str, str]:
        """A table or a type as keyspace and name."""
        first = self.short_name(what)
        if self.accept("."):
            return first, self.short_name(what)
        if self._keyspace is None:
            spelling = _qualified_spelling(first)
            raise UnreadableStatement(
                f"no keyspace is in use for {what} '{first}': write it as {spelling}, or USE a keyspace",
                code=INVALID,
            )
        return self._keyspace, first

    def short_name(self, what: str) -> str:
        """The name of a keyspace, a table or a type."""
        name = self.name(f"the name of a {what}")
        if len(name) > MAXIMUM_NAME:
            raise UnreadableStatement(
                f"the name of a {what} has {len(name)} characters: keyspaces, tables and types have at most "
                f"{MAXIMUM_NAME}",
                code=INVALID,
            )
        return name

    def if_exists(self, *, negated: bool = False) -> None:
        """`IF EXISTS` or `IF NOT EXISTS`, where it stands here."""
        if self.accept("IF"):
            self.expect(*(("NOT", "EXISTS") if negated else ("EXISTS",)))

    def using(self, *attributes: str) -> None:
        """`USING TIMESTAMP … AND TTL …`, where it stands here."""
        if not self.accept("USING"):
            return
        self.simple = False
        while True:
            if self.keyword not in attributes:
                raise self.expected(" or ".join(attributes))
            self.advance()
            self.integer_value("a number")
            if not self.accept("AND"):
                return

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
            self.descend()
            self._parenthesised_relation()
            self.ascend()
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
        if self.keyword not in COMPARISONS:
            raise self.expected("a comparison")
        self.advance()


def _qualified_spelling(name: str) -> str:
    """How to name the keyspace too; two names inside one pair of quotes are a common slip."""
    if "." in name:
        return '"{}"."{}"'.format(*name.split(".", 1))
    return f"keyspace.{name}" if _PLAIN_NAME.fullmatch(name) else f'keyspace."{name}"'
