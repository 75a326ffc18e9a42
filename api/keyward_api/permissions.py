"""Permissions, the statement forms that need them, and the IAM actions they become: one table.

IAM actions: service authorization reference of Amazon Keyspaces. Each action has a twin for multi-Region
keyspaces, without which a statement on such a keyspace is refused.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Permission(StrEnum):
    """What may be done to a table."""

    SELECT = "Select"
    MODIFY = "Modify"


PermissionName = Literal["Select", "Modify", "*"]
"""As a rule of a KeyspacesRole names it; `*` means all of them."""


class StatementForm(StrEnum):
    """The forms of CQL statement that an agent understands; every other is refused."""

    SELECT = "SELECT"
    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    CONDITIONAL_INSERT = "INSERT IF"
    CONDITIONAL_UPDATE = "UPDATE IF"
    CONDITIONAL_DELETE = "DELETE IF"
    USE = "USE"


@dataclass(frozen=True, kw_only=True, slots=True)
class FormRule:
    """What a statement form needs."""

    permissions: tuple[Permission, ...]
    """Needed on the statement's table; empty where nothing is read or written."""

    writes: bool
    """Whether Keyspaces holds it to the consistency levels of writes."""


# A conditional write answers with the values that stood in its way: it reads.
FORMS: dict[StatementForm, FormRule] = {
    StatementForm.SELECT: FormRule(permissions=(Permission.SELECT,), writes=False),
    StatementForm.INSERT: FormRule(permissions=(Permission.MODIFY,), writes=True),
    StatementForm.UPDATE: FormRule(permissions=(Permission.MODIFY,), writes=True),
    StatementForm.DELETE: FormRule(permissions=(Permission.MODIFY,), writes=True),
    StatementForm.CONDITIONAL_INSERT: FormRule(permissions=(Permission.SELECT, Permission.MODIFY), writes=True),
    StatementForm.CONDITIONAL_UPDATE: FormRule(permissions=(Permission.SELECT, Permission.MODIFY), writes=True),
    StatementForm.CONDITIONAL_DELETE: FormRule(permissions=(Permission.SELECT, Permission.MODIFY), writes=True),
    StatementForm.USE: FormRule(permissions=(), writes=False),
}

IAM_ACTIONS: dict[Permission, tuple[str, ...]] = {
    Permission.SELECT: ("cassandra:Select", "cassandra:SelectMultiRegionResource"),
    Permission.MODIFY: ("cassandra:Modify", "cassandra:ModifyMultiRegionResource"),
}


def expand(names: tuple[PermissionName, ...]) -> tuple[Permission, ...]:
    """The permissions that a rule's names mean, in the order of the enumeration."""
    return tuple(p for p in Permission if "*" in names or p.value in names)
