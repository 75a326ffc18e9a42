"""Reads INSERT, UPDATE and DELETE.

Source: Parser.g of Apache Cassandra 3.11, rules `insertStatement`, `updateStatement`, `deleteStatement`.
"""

from __future__ import annotations

from keyward_api.decision import PARTITIONER
from keyward_api.permissions import StatementForm
from keyward_proxy.cql.lexer import INTEGER, STRING
from keyward_proxy.cql.relations import COMPARISONS, RelationReader
from keyward_proxy.cql.statement import Equality

BEHIND_A_COLUMN = COMPARISONS | {"[", ".", "IN"}
"""EXISTS is the name of a column in a condition where one of these follows."""


class WriteReader(RelationReader):
    """Reads from behind the verb on."""

    def insert(self) -> StatementForm:
        """INSERT."""
        self.expect("INTO")
        keyspace, table = self.table()
        if self.accept("JSON"):
            self._json()
        else:
            self.expect("(")
            self.column_list()
            self.expect("VALUES", "(")
            self.terms(")")
        form = StatementForm.INSERT
        if self.accept("IF"):
            self.expect("NOT", "EXISTS")
            form = StatementForm.CONDITIONAL_INSERT
        self.using("TIMESTAMP", "TTL")
        return self.needs(form, keyspace, table)

    def _json(self) -> None:
        if self.kind is STRING:
            self.advance()
        else:
            self.marker()
        if self.accept("DEFAULT") and not (self.accept("NULL") or self.accept("UNSET")):
            raise self.expected("NULL or UNSET")

    def update(self) -> StatementForm:
        """UPDATE, of rows or of the account's partitioner."""
        where = (PARTITIONER.keyspace, PARTITIONER.table)
        table, columns, relations, form = self._update()
        if table == where and form is StatementForm.UPDATE and columns == {"partitioner"} and self._is_local(relations):
            return self.needs(StatementForm.UPDATE_PARTITIONER, *table)
        return self.needs(form, *table)

    def update_of_rows(self) -> StatementForm:
        """UPDATE where it cannot be about the partitioner."""
        table, _, _, form = self._update()
        return self.needs(form, *table)

    def _is_local(self, relations: tuple[Equality, ...]) -> bool:
        """Whether what was read is plain assignments and `WHERE key = 'local'`; on doubt it is a write like any."""
        if not self.simple or len(relations) != 1 or relations[0].column != "key":
            return False
        term = relations[0].term
        return term.literal == "local" or term.marker is not None

    def _update(self) -> tuple[tuple[str, str], set[str], tuple[Equality, ...], StatementForm]:
        table = self.table()
        self.using("TIMESTAMP", "TTL")
        self.expect("SET")
        columns = {self._assignment()}
        while self.accept(","):
            columns.add(self._assignment())
        self.expect("WHERE")
        relations = self.where()
        form = StatementForm.CONDITIONAL_UPDATE if self._condition() else StatementForm.UPDATE
        return table, columns, relations, form

    def _assignment(self) -> str:
        column = self.name("the name of a column")
        if self.accept("="):
            self._assigned(column)
            return column
        self.simple = False
        if self.accept("["):
            self.term()
            self.expect("]", "=")
        elif self.accept("."):
            self.name("the name of a field")
            self.expect("=")
        elif not self.accept("+=") and not self.accept("-="):
            raise self.expected("'='")
        self.term()
        return column

    def _assigned(self, column: str) -> None:
        """The right side: a term, `term + column` or `column + term`; `column - 1` may be written `column -1`."""
        if not self.at_name or self.keyword in ("TRUE", "FALSE") or self.calls_function():
            self.term()
            if self.accept("+"):
                self.simple = False
                self.name(f"'{column}'")
            return
        self.simple = False
        self.name(f"'{column}'")
        if self.accept("+") or self.accept("-"):
            self.term()
        elif self.kind is INTEGER and self.value.startswith("-"):
            self.advance()
        else:
            raise self.expected("+ or -")

    def delete(self) -> StatementForm:
        """DELETE."""
        if self.keyword != "FROM":
            self._deletion()
            while self.accept(","):
                self._deletion()
        self.expect("FROM")
        keyspace, table = self.table()
        self.using("TIMESTAMP")
        self.expect("WHERE")
        self.where()
        form = StatementForm.CONDITIONAL_DELETE if self._condition() else StatementForm.DELETE
        return self.needs(form, keyspace, table)

    def _deletion(self) -> None:
        self.name("the name of a column")
        if self.accept("["):
            self.term()
            self.expect("]")
        elif self.accept("."):
            self.name("the name of a field")

    def _condition(self) -> bool:
        """An IF, where it stands here: such a statement also reads."""
        if not self.accept("IF"):
            return False
        if self.keyword == "EXISTS" and self.following() not in BEHIND_A_COLUMN:
            self.advance()
            return True
        self._comparison_of_column()
        while self.accept("AND"):
            self._comparison_of_column()
        return True

    def _comparison_of_column(self) -> None:
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
