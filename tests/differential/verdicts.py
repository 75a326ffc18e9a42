"""Compares what we read with what Cassandra reads."""

from __future__ import annotations

from enum import StrEnum

from keyward_api.decision import PARTITIONER, Access
from keyward_api.permissions import Permission
from keyward_proxy.cql.statement import Refusal, Statement
from tests.differential.oracle import Answer

_WRITES = frozenset(
    {
        "UpdateStatement$ParsedInsert",
        "UpdateStatement$ParsedInsertJson",
        "UpdateStatement$ParsedUpdate",
        "DeleteStatement$Parsed",
    }
)
_DEFINITIONS: dict[str, tuple[str, Permission]] = {
    "CreateKeyspaceStatement": ("CREATE KEYSPACE", Permission.CREATE),
    "AlterKeyspaceStatement": ("ALTER KEYSPACE", Permission.ALTER),
    "DropKeyspaceStatement": ("DROP KEYSPACE", Permission.DROP),
    "CreateTableStatement": ("CREATE TABLE", Permission.CREATE),
    "AlterTableStatement": ("ALTER TABLE", Permission.ALTER),
    "DropTableStatement": ("DROP TABLE", Permission.DROP),
    "CreateTypeStatement": ("CREATE TYPE", Permission.CREATE),
    "AlterTypeStatement": ("ALTER TYPE", Permission.ALTER),
    "DropTypeStatement": ("DROP TYPE", Permission.DROP),
}
_VERBS = {"ParsedInsert": "INSERT", "ParsedInsertJson": "INSERT", "ParsedUpdate": "UPDATE", "Parsed": "DELETE"}


class Verdict(StrEnum):
    """How our reading and one of Cassandra compare."""

    SAME = "read alike"
    BOTH_REFUSE = "refused by both"
    STRICTER = "refused by us alone"
    LOOSER = "accepted by us alone"
    DIFFERENT = "read differently"
    """The one that must never be."""


def judge(reading: Statement | Refusal, answer: Answer | None, keyspace: str | None) -> Verdict:
    """What to say of one statement."""
    if isinstance(reading, Refusal):
        return Verdict.BOTH_REFUSE if answer is None else Verdict.STRICTER
    if answer is None:
        return Verdict.LOOSER
    return Verdict.SAME if _agree(reading, answer, keyspace) else Verdict.DIFFERENT


def _agree(reading: Statement, answer: Answer, keyspace: str | None) -> bool:
    found = set(reading.accesses)
    form = reading.form.value
    if answer.more_names or len(found) != len(reading.accesses):
        return False
    if form == "UPDATE PARTITIONER":
        return found == {PARTITIONER} and _sets_partitioner(answer, keyspace)
    if form == "DESCRIBE":
        return not found and answer.kind.startswith("DescribeStatement")
    if answer.kind == "UseStatement":
        return form == "USE" and not found and reading.use_keyspace == answer.keyspace
    if answer.kind == "BatchStatement$Parsed":
        needed = [_written(child, keyspace) for child in answer.children]
        return form == "BATCH" and found == set().union(*needed) and reading.children == len(answer.children)
    if answer.kind == "SelectStatement$RawStatement":
        return form == "SELECT" and found == {_access(Permission.SELECT, answer, keyspace)}
    if answer.kind in _WRITES:
        verb = _VERBS[answer.kind.partition("$")[2]] + (" IF" if answer.conditional else "")
        return form == verb and found == _written(answer, keyspace)
    return _agree_on_definition(form, found, answer, keyspace)


def _agree_on_definition(form: str, found: set[Access], answer: Answer, keyspace: str | None) -> bool:
    kind = answer.kind.partition("$")[0]
    if kind not in _DEFINITIONS:
        return False
    expected, permission = _DEFINITIONS[kind]
    whole = "Type" in kind or "Keyspace" in kind
    return form == expected and found == {_access(permission, answer, keyspace, whole=whole)}


def _written(answer: Answer, keyspace: str | None) -> set[Access]:
    permissions = (Permission.SELECT, Permission.MODIFY) if answer.conditional else (Permission.MODIFY,)
    return {_access(permission, answer, keyspace) for permission in permissions}


def _access(permission: Permission, answer: Answer, keyspace: str | None, *, whole: bool = False) -> Access:
    named = answer.keyspace if answer.keyspace is not None else keyspace
    return Access(permission=permission, keyspace=named or "", table=None if whole else answer.name)


def _sets_partitioner(answer: Answer, keyspace: str | None) -> bool:
    return (
        answer.kind == "UpdateStatement$ParsedUpdate"
        and not answer.conditional
        and (answer.keyspace or keyspace, answer.name) == ("system", "local")
        and answer.columns == {"partitioner"}
    )
