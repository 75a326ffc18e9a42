"""Reads CREATE, ALTER and DROP TYPE. A user-defined type has no ARN: the permission is on its keyspace.

Source: Parser.g of Apache Cassandra 3.11, rules `createTypeStatement` and its like. Amazon Keyspaces has no ALTER TYPE;
it is read here so that only who may alter the keyspace is told so.
"""

from __future__ import annotations

from keyward_api.permissions import StatementForm
from keyward_proxy.cql.relations import RelationReader


class TypeStatementReader(RelationReader):
    """Reads from behind TYPE on."""

    def create_type(self) -> StatementForm:
        """CREATE TYPE."""
        self.if_exists(negated=True)
        keyspace, _ = self.qualified("type")
        self.expect("(")
        self._field()
        while self.accept(","):
            if self.keyword not in (",", ")"):
                self._field()
        self.expect(")")
        return self.needs(StatementForm.CREATE_TYPE, keyspace)

    def alter_type(self) -> StatementForm:
        """ALTER TYPE."""
        self.if_exists()
        keyspace, _ = self.qualified("type")
        if self.accept("ADD"):
            self.if_exists(negated=True)
            self._field()
        elif self.accept("ALTER"):
            self.name("the name of a field")
            self.expect("TYPE")
            self.type()
        elif self.accept("RENAME"):
            self.if_exists()
            self.renames()
        else:
            raise self.expected("ADD, ALTER or RENAME")
        return self.needs(StatementForm.ALTER_TYPE, keyspace)

    def drop_type(self) -> StatementForm:
        """DROP TYPE."""
        self.if_exists()
        keyspace, _ = self.qualified("type")
        return self.needs(StatementForm.DROP_TYPE, keyspace)

    def _field(self) -> None:
        self.name("the name of a field")
        self.type()

    def renames(self) -> None:
        """`a TO b AND c TO d`."""
        while True:
            self.name("a name")
            self.expect("TO")
            self.name("a name")
            if not self.accept("AND"):
                return
