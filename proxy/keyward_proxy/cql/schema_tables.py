"""Reads CREATE, ALTER, DROP and RESTORE TABLE.

Sources: Parser.g of Apache Cassandra 3.11, rules `createTableStatement` and its like, and the IF EXISTS of columns of
5.0; the developer guide of Amazon Keyspaces, "DDL statements: Tables" (tags, RESTORE, `type FROZEN`).
"""

from __future__ import annotations

from keyward_api.permissions import StatementForm
from keyward_proxy.cql.lexer import INTEGER
from keyward_proxy.cql.properties import PropertyReader
from keyward_proxy.cql.schema_types import TypeStatementReader


class TableReader(PropertyReader, TypeStatementReader):
    """Reads from behind TABLE or COLUMNFAMILY on."""

    def create_table(self) -> StatementForm:
        """CREATE TABLE."""
        self.if_exists(negated=True)
        keyspace, table = self.table()
        self.expect("(")
        self._definition()
        while self.accept(","):
            if self.keyword not in (",", ")"):
                self._definition()
        self.expect(")")
        self._options()
        return self.needs(StatementForm.CREATE_TABLE, keyspace, table)

    def alter_table(self) -> StatementForm:
        """ALTER TABLE."""
        self.if_exists()
        keyspace, table = self.table()
        if self.accept("ADD"):
            self._add()
        elif self.accept("DROP"):
            self._drop()
        elif self.accept("ALTER"):
            self.name("the name of a column")
            self.expect("TYPE")
            self.type()
        elif self.accept("RENAME"):
            self.if_exists()
            self.renames()
        else:
            self.expect("WITH")
            self.properties()
        return self.needs(StatementForm.ALTER_TABLE, keyspace, table)

    def drop_table(self) -> StatementForm:
        """DROP TABLE."""
        self.if_exists()
        keyspace, table = self.table()
        return self.needs(StatementForm.DROP_TABLE, keyspace, table)

    def restore_table(self) -> StatementForm:
        """RESTORE TABLE: makes a table from what another was at some time, which it reads."""
        self.if_exists(negated=True)
        keyspace, table = self.table()
        self.expect("FROM", "TABLE")
        source_keyspace, source = self.table()
        self._options()
        self.needs(StatementForm.RESTORE_TABLE, keyspace, table)
        self.needs(StatementForm.SELECT, source_keyspace, source)
        return StatementForm.RESTORE_TABLE

    def _definition(self) -> None:
        """A column, or the primary key."""
        if self.accept("PRIMARY"):
            self.expect("KEY", "(")
            self._partition_key()
            if self.accept(","):
                self.column_list()
            else:
                self.expect(")")
            return
        self._column()
        if self.accept("PRIMARY"):
            self.expect("KEY")

    def _partition_key(self) -> None:
        if self.accept("("):
            self.column_list()
        else:
            self.name("the name of a column")

    def _column(self) -> None:
        self.name("the name of a column")
        self.type()
        self.accept("FROZEN")
        self.accept("STATIC")

    def _options(self) -> None:
        if not self.accept("WITH"):
            return
        self._option()
        while self.accept("AND"):
            self._option()

    def _option(self) -> None:
        if self.keyword == "COMPACT" and self.following() == "STORAGE":
            self.expect("COMPACT", "STORAGE")
        elif self.keyword == "CLUSTERING" and self.following() == "ORDER":
            self.expect("CLUSTERING", "ORDER", "BY", "(")
            self._ordering()
            while self.accept(","):
                self._ordering()
            self.expect(")")
        else:
            self.property()

    def _ordering(self) -> None:
        self.name("the name of a column")
        if not self.accept("ASC") and not self.accept("DESC"):
            raise self.expected("ASC or DESC")

    def _add(self) -> None:
        if self.tags():
            return
        self.if_exists(negated=True)
        if not self.accept("("):
            self._column()
            return
        self._column()
        while self.accept(","):
            self._column()
        self.expect(")")

    def _drop(self) -> None:
        if self.tags():
            return
        if self.keyword == "COMPACT" and self.following() == "STORAGE":
            self.expect("COMPACT", "STORAGE")
            return
        self.if_exists()
        if self.accept("("):
            self.column_list()
        else:
            self.name("the name of a column")
        if self.accept("USING"):
            self.expect("TIMESTAMP")
            if self.kind is not INTEGER:
                raise self.expected("a number")
            self.advance()
