"""Reads names, types and terms: the parts of which statements are made.

Source: Parser.g of Apache Cassandra 3.11, rules `term`, `value`, `comparatorType` and the names. It accepts a
little more than Cassandra (any function name, any type name), never in a way that moves a table's name.
"""

from __future__ import annotations

from keyward_proxy.cql import refusals
from keyward_proxy.cql.errors import UnreadableStatement
from keyward_proxy.cql.lexer import INTEGER, LITERALS, NAME, QUOTED, STRING, TokenStream
from keyward_proxy.cql.statement import Term

MAXIMUM_DEPTH = 32
"""Collections, tuples, functions and parentheses may be nested so deep; Keyspaces itself allows 8."""

# fmt: off
RESERVED = frozenset({
    "ADD", "ALLOW", "ALTER", "AND", "APPLY", "ASC", "AUTHORIZE", "BATCH", "BEGIN",
    "BY", "COLUMNFAMILY", "CREATE", "DELETE", "DESC", "DROP", "EXECUTE", "FROM", "FULL",
    "GRANT", "IF", "IN", "INDEX", "INFINITY", "INSERT", "INTO", "IS", "KEYSPACE",
    "LIMIT", "MATERIALIZED", "MODIFY", "NAN", "NORECURSIVE", "NOT", "NULL", "OF", "ON",
    "OR", "ORDER", "PRIMARY", "RENAME", "REVOKE", "SCHEMA", "SELECT", "SET", "TABLE",
    "TO", "TOKEN", "TRUNCATE", "UNLOGGED", "UPDATE", "USE", "USING", "VIEW", "WHERE",
    "WITH",
})
# fmt: on
"""Words that name nothing unless quoted, in every version of Cassandra."""

_CONSTANTS = frozenset({"TRUE", "FALSE", "NAN", "INFINITY", "NULL"})


class TermReader(TokenStream):
    """Reads from the current token on; each method leaves the token behind what it read as the current one."""

    def __init__(self, text: str) -> None:
        self._depth = 0
        super().__init__(text)

    def expected(self, what: str) -> UnreadableStatement:
        """What to say where something else stands than what must."""
        return UnreadableStatement(f"expected {what}, found {self.describe()}")

    def accept(self, keyword: str) -> bool:
        """Read `keyword` if it stands here."""
        if self.keyword != keyword:
            return False
        self.advance()
        return True

    def expect(self, *keywords: str) -> None:
        """Read these keywords or operators."""
        for keyword in keywords:
            if not self.accept(keyword):
                raise self.expected(f"'{keyword}'")

    def descend(self) -> None:
        """Count one more level of nesting; whoever does calls `ascend` behind it."""
        self._depth += 1
        if self._depth > MAXIMUM_DEPTH:
            raise UnreadableStatement(f"the statement is nested more than {MAXIMUM_DEPTH} deep")

    def ascend(self) -> None:
        """Count one level of nesting less."""
        self._depth -= 1

    @property
    def at_name(self) -> bool:
        """Whether a name may begin here."""
        return self.kind is QUOTED or (self.kind is NAME and self.keyword not in RESERVED)

    def name(self, what: str) -> str:
        """A name, folded as Cassandra folds it: lower case unless quoted."""
        if not self.at_name:
            raise self.expected(what)
        value = self.value
        folded = value[1:-1].replace('""', '"') if self.kind is QUOTED else value.lower()
        self.advance()
        return folded

    def calls_function(self) -> bool:
        """Whether the name that begins here is that of a function that is called."""
        behind = self.following()
        return behind == "(" or (behind == "." and self.following(3) == "(")

    def marker(self) -> Term:
        """`?` or `:name`."""
        if self.accept("?"):
            return Term(marker="")
        self.expect(":")
        return Term(marker=self.name("the name of a bind variable"))

    @property
    def at_marker(self) -> bool:
        """Whether a bind variable stands here."""
        return self.keyword in ("?", ":")

    def integer_value(self, what: str) -> bool:
        """An integer or a bind variable; tells whether it was an integer."""
        if self.at_marker:
            self.marker()
            return False
        if self.kind is not INTEGER:
            raise self.expected(what)
        self.advance()
        return True

    def terms(self, closing: str) -> None:
        """Terms separated by commas, up to and with `closing`; possibly none."""
        if self.accept(closing):
            return
        self.term()
        while self.accept(","):
            self.term()
        self.expect(closing)

    def term(self) -> Term | None:
        """Any term; told only where it is a string literal or a bind variable."""
        if self.kind in LITERALS:
            literal = _string_contents(self.value) if self.kind is STRING else None
            self.advance()
            return Term(literal=literal) if literal is not None else None
        if self.at_marker:
            return self.marker()
        self.descend()
        self._compound_term()
        self.ascend()
        return None

    def _compound_term(self) -> None:
        if self.keyword in _CONSTANTS:
            self.advance()
        elif self.accept("-"):
            if self.keyword not in ("NAN", "INFINITY"):
                raise self.expected("a value")
            self.advance()
        elif self.accept("["):
            self.terms("]")
        elif self.accept("{"):
            self._braces()
        elif self.accept("("):
            self._parentheses()
        else:
            self._function()

    def _function(self) -> None:
        if self.keyword == "TOKEN":
            self.advance()
        else:
            self.function_name(self.name("a value"))
        if self.keyword != "(":
            raise self.expected("'(' behind the name of a function (text stands in 'single quotes')")
        self.advance()
        self.terms(")")

    def function_name(self, first: str) -> None:
        """The rest of a function's name whose first part was read; Keyspaces has only functions of its own."""
        if self.accept("."):
            self.name("the name of a function")
            if first != "system":
                raise UnreadableStatement(
                    f"keyspace '{first}' has no functions that can be called: Amazon Keyspaces has only its own"
                )

    def _braces(self) -> None:
        """A set, a map or a user-defined type's value, behind `{`."""
        if self.accept("}"):
            return
        while True:
            if self.at_name and self.keyword not in _CONSTANTS and self.following() == ":":
                self.name("the name of a field")
            else:
                self.term()
            if self.accept(":"):
                self.term()
            if not self.accept(","):
                break
        self.expect("}")

    def _parentheses(self) -> None:
        """A tuple, or a type in front of the term that it casts, behind `(`."""
        if self._accept_set():
            self._rest_of_cast()
            return
        if self.at_name and self.keyword not in _CONSTANTS:
            first = self.name("a type")
            if self.keyword == "." and self.following(2) == "(":
                self.function_name(first)
            if self.keyword != "(":
                self._rest_of_cast()
                return
            self.advance()
            self.terms(")")
            if not self.accept(","):
                self.expect(")")
                return
        self.terms(")")

    def _rest_of_cast(self) -> None:
        self._rest_of_type()
        self.expect(")")
        self.term()

    def type(self) -> None:
        """A type's name with its parameters."""
        if self.kind is STRING:
            self.advance()
            return
        if self.keyword == "VECTOR" and self.following() == "<":
            raise refusals.refused("a vector", refusals.VECTORS)
        if not self._accept_set():
            self.name("a type")
        self._rest_of_type()

    def _accept_set(self) -> bool:
        """SET in front of `<`: a reserved word that is a type there."""
        return self.following() == "<" and self.accept("SET")

    def _rest_of_type(self) -> None:
        if self.accept("."):
            self.name("the name of a type")
        elif self.accept("<"):
            self.descend()
            self.type()
            while self.accept(","):
                self.type()
            self.expect(">")
            self.ascend()


def _string_contents(value: str) -> str:
    return value[2:-2] if value[0] == "$" else value[1:-1].replace("''", "'")
