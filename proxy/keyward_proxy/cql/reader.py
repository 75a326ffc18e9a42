"""Reads one CQL statement in full, or refuses it.

Source: Parser.g of Apache Cassandra 3.11, the version whose CQL Amazon Keyspaces speaks: SELECT, INSERT, UPDATE,
DELETE, USE; and DESCRIBE of 4.0. The grammar is read token by token with nothing skipped, so that the table named here
is the table that Keyspaces will touch. What is not understood is refused, with a text that says what to do.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from keyward_api.decision import Access
from keyward_api.permissions import FORMS, StatementForm
from keyward_proxy.cql.describing import DescribeReader
from keyward_proxy.cql.errors import INVALID, UNAUTHORIZED, UnreadableStatement
from keyward_proxy.cql.lexer import END
from keyward_proxy.cql.redaction import redact
from keyward_proxy.cql.selecting import SelectReader
from keyward_proxy.cql.statement import Refusal, Statement
from keyward_proxy.cql.writing import WriteReader

REDACTED_CHARACTERS = 16 * 1024
"""Longest text that is kept for the audit trail."""

_FORMS = {form.value: form for form in StatementForm if " " not in form.value} | {"DESC": StatementForm.DESCRIBE}
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
}


def read(text: str, keyspace: str | None) -> Statement | Refusal:
    """What `text` does when `keyspace` is in use. Depends on nothing else; never raises."""
    redacted = redact(text, limit=REDACTED_CHARACTERS)
    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    try:
        return _StatementReader(text, keyspace).statement(redacted, digest)
    except UnreadableStatement as error:
        return Refusal(code=error.code, message=str(error), redacted=redacted, sha256=digest)


class _StatementReader(SelectReader, WriteReader, DescribeReader):
    def statement(self, redacted: str, digest: str) -> Statement:
        verb = self.keyword
        if verb in _REFUSED:
            code, message = _REFUSED[verb]
            raise UnreadableStatement(f"{verb} is refused: {message}", code=code)
        if verb not in _FORMS:
            raise self.expected("SELECT, INSERT, UPDATE, DELETE or USE")
        self.advance()
        form = _FORMS[verb]
        statement = Statement(form=form, redacted=redacted, sha256=digest)
        match form:
            case StatementForm.USE:
                statement = replace(statement, use_keyspace=self.name("the name of a keyspace"))
            case StatementForm.DESCRIBE:
                statement = replace(statement, description=self.description())
            case StatementForm.SELECT:
                keyspace, table, selection = self.select()
                accesses = _accesses(form, keyspace, table)
                statement = replace(statement, accesses=accesses, selection=selection)
            case _:
                keyspace, table = self._write(form)
                form = _CONDITIONAL[form] if self.conditional else form
                statement = replace(statement, form=form, accesses=_accesses(form, keyspace, table))
        self._end()
        return statement

    def _write(self, form: StatementForm) -> tuple[str, str]:
        match form:
            case StatementForm.INSERT:
                return self.insert()
            case StatementForm.UPDATE:
                return self.update()
            case _:
                return self.delete()

    def _end(self) -> None:
        while self.accept(";"):
            pass
        if self.kind != END:
            raise UnreadableStatement(f"{self.describe()} is not part of the statement: send one statement at a time")


def _accesses(form: StatementForm, keyspace: str, table: str) -> tuple[Access, ...]:
    return tuple(
        Access(permission=permission, keyspace=keyspace, table=table) for permission in FORMS[form].permissions
    )
