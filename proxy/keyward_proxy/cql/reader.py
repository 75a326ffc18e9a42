"""Reads one CQL statement in full, or refuses it.

Source: Parser.g of Apache Cassandra 3.11, the version whose CQL Amazon Keyspaces speaks, what Keyspaces adds to it, and
DESCRIBE of 4.0. The grammar is read token by token with nothing skipped, so that the table named here is the table
that Keyspaces will touch. What is not understood is refused, with a text that says what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

from keyward_api.decision import Access
from keyward_api.permissions import StatementForm
from keyward_proxy.cql import refusals
from keyward_proxy.cql.batching import BatchReader
from keyward_proxy.cql.describing import DescribeReader
from keyward_proxy.cql.errors import INVALID, UnreadableStatement
from keyward_proxy.cql.lexer import END
from keyward_proxy.cql.redaction import redact
from keyward_proxy.cql.schema_keyspaces import KeyspaceReader
from keyward_proxy.cql.schema_tables import TableReader
from keyward_proxy.cql.selecting import SelectReader
from keyward_proxy.cql.statement import Reading, Refusal, Statement

REDACTED_CHARACTERS = 16 * 1024
"""Longest text that is kept for the audit trail."""

MAXIMUM_ACCESSES = 128
"""Permissions on tables that one statement may need; Keyspaces' largest batch needs 60."""


def read(text: str, keyspace: str | None) -> Reading:
    """What `text` does when `keyspace` is in use. Depends on nothing else; never raises."""
    redacted = redact(text, limit=REDACTED_CHARACTERS)
    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    try:
        return _StatementReader(text, keyspace).statement(redacted, digest)
    except UnreadableStatement as error:
        return Refusal(code=error.code, message=str(error), redacted=redacted, sha256=digest)


def all_of(accesses: Sequence[Access]) -> tuple[Access, ...]:
    """Each access once. Raises UnreadableStatement where they are too many."""
    if len(accesses) <= 1:
        return tuple(accesses)
    found = tuple(dict.fromkeys(accesses))
    if len(found) > MAXIMUM_ACCESSES:
        raise UnreadableStatement(
            f"the statement needs more than {MAXIMUM_ACCESSES} permissions on tables: send it in parts", code=INVALID
        )
    return found


class _StatementReader(SelectReader, BatchReader, KeyspaceReader, TableReader, DescribeReader):
    def statement(self, redacted: str, digest: str) -> Statement:
        verb = self.keyword
        reads = _VERBS.get(verb)
        if reads is None:
            if verb in refusals.STATEMENTS:
                raise refusals.refused(verb, refusals.STATEMENTS[verb])
            raise self.expected(f"a statement ({', '.join(_VERBS)})")
        self.advance()
        form = reads(self)
        self._end()
        return Statement(
            form=form,
            accesses=all_of(self.accesses),
            use_keyspace=self.use_keyspace,
            selection=self.selection,
            description=self.described,
            children=self.children,
            redacted=redacted,
            sha256=digest,
            tokens=self.tokens,
        )

    def use(self) -> StatementForm:
        self.use_keyspace = self.keyspace()
        return StatementForm.USE

    def describe_schema(self) -> StatementForm:
        self.described = self.description()
        return StatementForm.DESCRIBE

    def create(self) -> StatementForm:
        return self._define("CREATE", _CREATED)

    def alter(self) -> StatementForm:
        return self._define("ALTER", _ALTERED)

    def drop(self) -> StatementForm:
        return self._define("DROP", _DROPPED)

    def restore(self) -> StatementForm:
        self.expect("TABLE")
        return self.restore_table()

    def _define(self, verb: str, kinds: dict[str, Reads]) -> StatementForm:
        kind = _SYNONYMS.get(self.keyword, self.keyword)
        if kind in refusals.DEFINITIONS:
            raise refusals.definition(verb, kind)
        if kind not in kinds:
            raise self.expected("KEYSPACE, TABLE or TYPE")
        self.advance()
        return kinds[kind](self)

    def _end(self) -> None:
        while self.accept(";"):
            pass
        if self.kind is not END:
            raise UnreadableStatement(f"{self.describe()} is not part of the statement: send one statement at a time")


Reads = Callable[[_StatementReader], StatementForm]
"""Reads a statement from behind its first words on."""

_VERBS: dict[str, Reads] = {
    "SELECT": _StatementReader.select,
    "INSERT": _StatementReader.insert,
    "UPDATE": _StatementReader.update,
    "DELETE": _StatementReader.delete,
    "BEGIN": _StatementReader.batch,
    "USE": _StatementReader.use,
    "CREATE": _StatementReader.create,
    "ALTER": _StatementReader.alter,
    "DROP": _StatementReader.drop,
    "RESTORE": _StatementReader.restore,
    "DESCRIBE": _StatementReader.describe_schema,
    "DESC": _StatementReader.describe_schema,
}
_SYNONYMS = {"SCHEMA": "KEYSPACE", "COLUMNFAMILY": "TABLE"}
_CREATED: dict[str, Reads] = {
    "KEYSPACE": _StatementReader.create_keyspace,
    "TABLE": _StatementReader.create_table,
    "TYPE": _StatementReader.create_type,
}
_ALTERED: dict[str, Reads] = {
    "KEYSPACE": _StatementReader.alter_keyspace,
    "TABLE": _StatementReader.alter_table,
    "TYPE": _StatementReader.alter_type,
}
_DROPPED: dict[str, Reads] = {
    "KEYSPACE": _StatementReader.drop_keyspace,
    "TABLE": _StatementReader.drop_table,
    "TYPE": _StatementReader.drop_type,
}
