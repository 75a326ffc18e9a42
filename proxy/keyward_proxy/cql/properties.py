"""Reads the properties of keyspaces and tables, and Amazon Keyspaces' tags.

Sources: Parser.g of Apache Cassandra 3.11, rules `properties` and `mapLiteral`; the developer guide of Amazon
Keyspaces, "DDL statements", where maps may be nested. Nothing in a property names a resource.
"""

from __future__ import annotations

from keyward_proxy.cql.lexer import LITERALS, NAME
from keyward_proxy.cql.relations import RelationReader
from keyward_proxy.cql.terms import RESERVED


class PropertyReader(RelationReader):
    """Reads from the current token on."""

    def properties(self) -> None:
        """Properties joined by AND, behind WITH."""
        self.property()
        while self.accept("AND"):
            self.property()

    def property(self) -> None:
        """`name = value`."""
        self.name("the name of a property")
        self.expect("=")
        self._value()

    def tags(self) -> bool:
        """`TAGS {…}`, where it stands here; TAGS may also be the name of a column."""
        if self.keyword != "TAGS" or self.following() != "{":
            return False
        self.advance()
        self._map()
        return True

    def _value(self) -> None:
        if self.keyword == "{":
            self._map()
        elif self.accept("-"):
            if not self.accept("NAN"):
                self.expect("INFINITY")
        elif self.kind in LITERALS or self._at_word():
            self.advance()
        else:
            raise self.expected("the value of a property")

    def _at_word(self) -> bool:
        """An unquoted word that may be a value: `true`, `NaN`, or any that is not reserved."""
        return self.kind is NAME and (self.keyword not in RESERVED or self.keyword in ("NAN", "INFINITY"))

    def _map(self) -> None:
        self.expect("{")
        if self.accept("}"):
            return
        self.descend()
        while True:
            if self.kind not in LITERALS:
                raise self.expected("the name of a property, a literal")
            self.advance()
            self.expect(":")
            self._value()
            if not self.accept(","):
                break
        self.ascend()
        self.expect("}")
