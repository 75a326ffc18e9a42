"""Reads DESCRIBE.

Source: Parser.g of Apache Cassandra 4.0 and 5.0, rule `describeStatement`. Nothing of it is ever sent to Keyspaces,
which knows no DESCRIBE: what is read here only says what the agent looks up. `WITH INTERNALS` is read and changes
nothing, since Keyspaces shows none: tables have no id of their own there.
"""

from __future__ import annotations

from keyward_proxy.cql.description import Description, Subject
from keyward_proxy.cql.relations import RelationReader
from keyward_proxy.cql.terms import RESERVED

_LISTS = {
    "TABLES": Subject.TABLES,
    "COLUMNFAMILIES": Subject.TABLES,
    "TYPES": Subject.TYPES,
    "FUNCTIONS": Subject.FUNCTIONS,
    "AGGREGATES": Subject.AGGREGATES,
}
_EVERYWHERE = {"CLUSTER": Subject.CLUSTER, "KEYSPACES": Subject.KEYSPACES, "SCHEMA": Subject.SCHEMA}
_ELEMENTS = {
    "TABLE": Subject.TABLE,
    "COLUMNFAMILY": Subject.TABLE,
    "INDEX": Subject.INDEX,
    "TYPE": Subject.TYPE,
    "FUNCTION": Subject.FUNCTION,
    "AGGREGATE": Subject.AGGREGATE,
}
_WHAT = {
    Subject.TABLE: "a table",
    Subject.INDEX: "an index",
    Subject.VIEW: "a view",
    Subject.TYPE: "a type",
    Subject.FUNCTION: "a function",
    Subject.AGGREGATE: "an aggregate",
    Subject.ANYTHING: "something to describe",
}


class DescribeReader(RelationReader):
    """Reads from behind the verb on."""

    def description(self) -> Description:
        """What is asked for."""
        found = self._subject()
        if self.accept("WITH"):
            self.expect("INTERNALS")
        return found

    def _subject(self) -> Description:
        keyword = self.keyword
        if keyword in _EVERYWHERE:
            self.advance()
            return Description(subject=_EVERYWHERE[keyword])
        if keyword in _LISTS:
            self.advance()
            return Description(subject=_LISTS[keyword], keyspace=self._keyspace)
        if self.accept("FULL"):
            self.expect("SCHEMA")
            return Description(subject=Subject.FULL_SCHEMA)
        if self.accept("MATERIALIZED"):
            self.expect("VIEW")
            return self._element(Subject.VIEW)
        if self.accept("KEYSPACE"):
            return self._described_keyspace(Subject.KEYSPACE)
        if keyword in _ELEMENTS:
            return self._element_or_name(_ELEMENTS[keyword])
        if keyword == "ONLY":
            return self._only_or_name()
        return self._element(Subject.ANYTHING)

    def _element_or_name(self, subject: Subject) -> Description:
        """A kind of thing with its name, or something whose name is the word for a kind, such as `type`."""
        word = None if self.keyword in RESERVED else self.name("a name")
        if word is None:
            self.advance()
        if word is None or self.at_name:
            return self._element(subject)
        return self._named(Subject.ANYTHING, word)

    def _only_or_name(self) -> Description:
        word = self.name("a name")
        if self.accept("KEYSPACE"):
            return self._described_keyspace(Subject.ONLY_KEYSPACE)
        return self._named(Subject.ANYTHING, word)

    def _described_keyspace(self, subject: Subject) -> Description:
        named = self.at_name
        keyspace = self.name("the name of a keyspace") if named else self._keyspace
        return Description(subject=subject, keyspace=keyspace, qualified=named)

    def _element(self, subject: Subject) -> Description:
        return self._named(subject, self.name(f"the name of {_WHAT[subject]}"))

    def _named(self, subject: Subject, first: str) -> Description:
        if self.accept("."):
            return Description(subject=subject, keyspace=first, name=self.name("a name"), qualified=True)
        return Description(subject=subject, keyspace=self._keyspace, name=first)
