"""Reads one CQL statement in full, or refuses it.

Source: Parser.g of Apache Cassandra 3.11, the version whose CQL Amazon Keyspaces speaks: SELECT, INSERT, UPDATE,
DELETE, USE. The grammar is read token by token with nothing skipped, so that the table named here is the
table that Keyspaces will touch. What is not understood is refused, with a text that says what to do.
"""

from __future__ import annotations

from keyward_api.decision import Access
from keyward_api.permissions import FORMS, StatementForm
from keyward_proxy.cql.errors import INVALID, UNAUTHORIZED, UnreadableStatement
from keyward_proxy.cql.lexer import INTEGER, STRING
from keyward_proxy.cql.redaction import redact
from keyward_proxy.cql.statement import Equality, Refusal, Selection, Selector, Statement
from keyward_proxy.cql.terms import TermReader

REDACTED_CHARACTERS = 16 * 1024
"""Longest text that is kept for the audit trail."""

_COMPARISONS = frozenset({"=", "<", "<=", ">", ">=", "!="})
_CONDITIONAL = {
    StatementForm.INSERT: StatementForm.CONDITIONAL_INSERT,
    StatementForm.UPDATE: StatementForm.CONDITIONAL_UPDATE,
    StatementForm.DELETE: StatementForm.CONDITIONAL_DELETE,
}
_SCHEMA = "schema is not changed through this agent: use AWS's console, CloudFormation or Terraform"
_REFUSED = {
    "BEGIN": (INVALID, "batches are not passed on by this agent: send their statements one by one"),
    "CREATE": (UNAUTHORIZED, _SCHEMA),
    "ALTER": (UNAUTHORIZED, _SCHEMA),
    "DROP": (UNAUTHORIZED, _SCHEMA),
    "TRUNCATE": (INVALID, "Amazon Keyspaces has no TRUNCATE: delete rows, or drop and create the table"),
    "GRANT": (INVALID, "Amazon Keyspaces has no GRANT: permissions come from KeyspacesRole and IAM"),
    "REVOKE": (INVALID, "Amazon Keyspaces has no REVOKE: permissions come from KeyspacesRole and IAM"),
    "LIST": (INVALID, "Amazon Keyspaces has no roles of its own to list: see KeyspacesRole and KeyspacesUser"),
    "DESCRIBE": (INVALID, "Amazon Keyspaces has no DESCRIBE: select from system_schema"),
    "DESC": (INVALID, "Amazon Keyspaces has no DESCRIBE: select from system_schema"),
}


def read(text: str, keyspace: str | None) -> Statement | Refusal:
    """What `text` does when `keyspace` is in use. Depends on nothing else; never raises."""
    redacted = redact(text, limit=REDACTED_CHARACTERS)
    try:
        return _StatementReader(text, keyspace).statement(redacted)
    except UnreadableStatement as error:
        return Refusal(code=error.code, message=str(error), redacted=redacted)


class _StatementReader(TermReader):
    def __init__(self, text: str, keyspace: str | None) -> None:
        self._keyspace = keyspace
        self._conditional = False
        self._simple = True
        """Whether what was read of a SELECT fits a Selection."""

        super().__init__(text)

    def statement(self, redacted: str) -> Statement:
        verb = self.keyword
        match verb:
            case "SELECT":
                return self._select(redacted)
            case "INSERT" | "UPDATE" | "DELETE":
                return self._write(StatementForm(verb), redacted)
            case "USE":
                return self._use(redacted)
        if verb in _REFUSED:
            code, message = _REFUSED[verb]
            raise UnreadableStatement(f"{verb} is refused: {message}", code=code)
        raise self.expected("SELECT, INSERT, UPDATE, DELETE or USE")

    def _end(self) -> None:
        while self.accept(";"):
            pass
        if self.start < len(self.text):
            raise UnreadableStatement(f"{self.describe()} is not part of the statement: send one statement at a time")

    def _use(self, redacted: str) -> Statement:
        self.advance()
        keyspace = self.name("the name of a keyspace")
        self._end()
        return Statement(form=StatementForm.USE, use_keyspace=keyspace, redacted=redacted)

    def _write(self, form: StatementForm, redacted: str) -> Statement:
        self.advance()
        read = {
            StatementForm.INSERT: self._insert,
            StatementForm.UPDATE: self._update,
            StatementForm.DELETE: self._delete,
        }
        keyspace, table = read[form]()
        self._end()
        if self._conditional:
            form = _CONDITIONAL[form]
        return Statement(form=form, accesses=_accesses(form, keyspace, table), redacted=redacted)

    def _table(self) -> tuple[str, str]:
        first = self.name("the name of a table")
        if self.accept("."):
            return first, self.name("the name of a table")
        if self._keyspace is None:
            raise UnreadableStatement(
                f"no keyspace is in use for table '{first}': write it as keyspace.{first}, or USE a keyspace",
                code=INVALID,
            )
        return self._keyspace, first

    # SELECT

    def _select(self, redacted: str) -> Statement:
        self.advance()
        if self.keyword in ("JSON", "DISTINCT") and self.following() not in (",", "FROM", "AS", ".", "("):
            self._simple = False
            json = self.accept("JSON")
            if not json or (self.keyword == "DISTINCT" and self.following() not in (",", "FROM", "AS", ".", "(")):
                self.accept("DISTINCT")
        selectors = self._selectors()
        self.expect("FROM")
        keyspace, table = self._table()
        equalities = self._where() if self.accept("WHERE") else ()
        self._select_tail()
        self._end()
        return Statement(
            form=StatementForm.SELECT,
            accesses=_accesses(StatementForm.SELECT, keyspace, table),
            selection=Selection(selectors=selectors, equalities=equalities) if self._simple else None,
            redacted=redacted,
        )

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
        elif self.keyword == "TOKEN" or (self.at_name and self._calls_function()):
            selector = self._call()
        elif self.at_name:
            selector = Selector(column=self.name("the name of a column"))
        else:
            self._simple = False
            self.term()
            selector = Selector(column="")
        while self.accept("."):
            self._simple = False
            self.name("the name of a field")
        return selector

    def _calls_function(self) -> bool:
        behind = self.following()
        return behind == "(" or (behind == "." and self.following(3) == "(")

    def _count(self) -> Selector:
        self.advance()
        self.expect("(")
        if self.kind == INTEGER:
            self.advance()
        elif not self.accept("*"):
            self._simple = False
            self._selector()
        self.expect(")")
        return Selector(column="count", counts=True)

    def _cast(self) -> Selector:
        self._simple = False
        self.advance()
        self.expect("(")
        with self.nested():
            self._selector()
        self.expect("AS")
        self.type()
        self.expect(")")
        return Selector(column="cast")

    def _call(self) -> Selector:
        self._simple = False
        if not self.accept("TOKEN"):
            self.function_name(self.name("the name of a function"))
        self.expect("(")
        with self.nested():
            if not self.accept(")"):
                self._selector()
                while self.accept(","):
                    self._selector()
                self.expect(")")
        return Selector(column="call")

    def _select_tail(self) -> None:
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
            self._limit()
        if self.accept("ALLOW"):
            self.expect("FILTERING")

    def _columns_of_tail(self) -> None:
        self._simple = False
        while True:
            self.name("the name of a column")
            if self.keyword in ("ASC", "DESC"):
                self.advance()
            if not self.accept(","):
                return

    def _limit(self) -> None:
        if not self.integer_value("a number of rows"):
            self._simple = False

    # WHERE

    def _where(self) -> tuple[Equality, ...]:
        equalities: list[Equality] = []
        while True:
            equality = self._relation()
            if equality is None:
                self._simple = False
            else:
                equalities.append(equality)
            if not self.accept("AND"):
                return tuple(equalities)

    def _relation(self) -> Equality | None:
        if self.accept("TOKEN"):
            self.expect("(")
            self._column_list()
            self._comparison()
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
            self._comparison()
            self.term()
            return None
        return self._column_relation(column)

    def _column_relation(self, column: str) -> Equality | None:
        if self.accept("="):
            term = self.term()
            return Equality(column=column, term=term) if term is not None else None
        if self.accept("IN"):
            self._in_values()
        elif self.accept("CONTAINS"):
            self.accept("KEY")
            self.term()
        elif self.accept("IS"):
            self.expect("NOT", "NULL")
        elif self.accept("LIKE"):
            self.term()
        else:
            self._comparison()
            self.term()
        return None

    def _parenthesised_relation(self) -> None:
        """`(a, b) = …`, `(a, b) IN …` or a relation in parentheses, behind `(`."""
        if self.at_name and self.following() in (",", ")"):
            self._column_list()
            if self.accept("IN"):
                self._in_values()
                return
            self._comparison()
            self.term()
            return
        self._relation()
        self.expect(")")

    def _column_list(self) -> None:
        self.name("the name of a column")
        while self.accept(","):
            self.name("the name of a column")
        self.expect(")")

    def _in_values(self) -> None:
        if self.at_marker:
            self.marker()
            return
        self.expect("(")
        self.terms(")")

    def _comparison(self) -> None:
        if self.keyword not in _COMPARISONS:
            raise self.expected("a comparison")
        self.advance()

    # INSERT, UPDATE, DELETE

    def _insert(self) -> tuple[str, str]:
        self.expect("INTO")
        table = self._table()
        if self.accept("JSON"):
            self._json()
        else:
            self.expect("(")
            self._column_list()
            self.expect("VALUES", "(")
            self.terms(")")
        if self.accept("IF"):
            self.expect("NOT", "EXISTS")
            self._conditional = True
        self._using()
        return table

    def _json(self) -> None:
        if self.kind == STRING:
            self.advance()
        else:
            self.marker()
        if self.accept("DEFAULT") and not (self.accept("NULL") or self.accept("UNSET")):
            raise self.expected("NULL or UNSET")

    def _update(self) -> tuple[str, str]:
        table = self._table()
        self._using()
        self.expect("SET")
        self._assignment()
        while self.accept(","):
            self._assignment()
        self.expect("WHERE")
        self._where()
        self._if()
        return table

    def _assignment(self) -> None:
        column = self.name("the name of a column")
        if self.accept("["):
            self.term()
            self.expect("]", "=")
            self.term()
        elif self.accept("."):
            self.name("the name of a field")
            self.expect("=")
            self.term()
        elif self.accept("+=") or self.accept("-="):
            self.term()
        else:
            self.expect("=")
            self._assigned(column)

    def _assigned(self, column: str) -> None:
        """The right side: a term, `term + column` or `column + term`; `column - 1` may be written `column -1`."""
        if not self.at_name or self.keyword in ("TRUE", "FALSE") or self._calls_function():
            self.term()
            if self.accept("+"):
                self.name(f"'{column}'")
            return
        self.name(f"'{column}'")
        if self.accept("+") or self.accept("-"):
            self.term()
        elif self.kind == INTEGER and self.value.startswith("-"):
            self.advance()
        else:
            raise self.expected("+ or -")

    def _delete(self) -> tuple[str, str]:
        if self.keyword != "FROM":
            self._deletion()
            while self.accept(","):
                self._deletion()
        self.expect("FROM")
        table = self._table()
        self._using()
        self.expect("WHERE")
        self._where()
        self._if()
        return table

    def _deletion(self) -> None:
        self.name("the name of a column")
        if self.accept("["):
            self.term()
            self.expect("]")
        elif self.accept("."):
            self.name("the name of a field")

    def _using(self) -> None:
        if not self.accept("USING"):
            return
        while True:
            if not (self.accept("TIMESTAMP") or self.accept("TTL")):
                raise self.expected("TIMESTAMP or TTL")
            self.integer_value("a number")
            if not self.accept("AND"):
                return

    def _if(self) -> None:
        if not self.accept("IF"):
            return
        self._conditional = True
        if self.keyword == "EXISTS" and self.following() in ("", ";"):
            self.advance()
            return
        self._condition()
        while self.accept("AND"):
            self._condition()

    def _condition(self) -> None:
        self.name("the name of a column")
        if self.accept("["):
            self.term()
            self.expect("]")
        elif self.accept("."):
            self.name("the name of a field")
        if self.accept("IN"):
            self._in_values()
            return
        self._comparison()
        self.term()


def _accesses(form: StatementForm, keyspace: str, table: str) -> tuple[Access, ...]:
    return tuple(
        Access(permission=permission, keyspace=keyspace, table=table) for permission in FORMS[form].permissions
    )
