"""Reads CREATE, ALTER and DROP KEYSPACE.

Sources: Parser.g of Apache Cassandra 3.11, rules `createKeyspaceStatement` and its like; the developer guide of
Amazon Keyspaces, "DDL statements: Keyspaces".
"""

from __future__ import annotations

from keyward_api.permissions import StatementForm
from keyward_proxy.cql.properties import PropertyReader


class KeyspaceReader(PropertyReader):
    """Reads from behind KEYSPACE or SCHEMA on."""

    def create_keyspace(self) -> StatementForm:
        """CREATE KEYSPACE."""
        self.if_exists(negated=True)
        keyspace = self.keyspace()
        self.expect("WITH")
        self.properties()
        return self.needs(StatementForm.CREATE_KEYSPACE, keyspace)

    def alter_keyspace(self) -> StatementForm:
        """ALTER KEYSPACE: its properties or its tags."""
        self.if_exists()
        keyspace = self.keyspace()
        if self.accept("WITH"):
            self.properties()
        else:
            self._alter_tags()
        return self.needs(StatementForm.ALTER_KEYSPACE, keyspace)

    def drop_keyspace(self) -> StatementForm:
        """DROP KEYSPACE."""
        self.if_exists()
        return self.needs(StatementForm.DROP_KEYSPACE, self.keyspace())

    def keyspace(self) -> str:
        """The name of a keyspace."""
        return self.short_name("keyspace")

    def _alter_tags(self) -> None:
        if not self.accept("ADD") and not self.accept("DROP"):
            raise self.expected("WITH, ADD TAGS or DROP TAGS")
        if not self.tags():
            raise self.expected("TAGS and a map of tags")
