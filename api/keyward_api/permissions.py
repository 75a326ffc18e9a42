"""Permissions, the statement forms that need them, and the IAM actions they become: one table.

IAM actions: service authorization reference of Amazon Keyspaces, and the developer guide's pages on multi-Region
keyspaces, tags and point-in-time restore. Most actions have a twin for multi-Region keyspaces, without which a
statement on such a keyspace is refused; what creates or alters may set tags, which are actions of their own.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Permission(StrEnum):
    """What may be done to a table, or to a keyspace as a whole."""

    SELECT = "Select"
    MODIFY = "Modify"
    CREATE = "Create"
    ALTER = "Alter"
    DROP = "Drop"
    RESTORE = "Restore"
    UPDATE_PARTITIONER = "UpdatePartitioner"


PermissionName = Literal["Select", "Modify", "Create", "Alter", "Drop", "Restore", "UpdatePartitioner", "*"]
"""As a rule of a KeyspacesRole names it; `*` means all of them."""

KEYSPACE_PERMISSIONS = frozenset({Permission.CREATE, Permission.ALTER, Permission.DROP})
"""Permissions that a keyspace as a whole can need; every other is about tables only."""


class StatementForm(StrEnum):
    """The forms of CQL statement that an agent understands; every other is refused."""

    SELECT = "SELECT"
    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    CONDITIONAL_INSERT = "INSERT IF"
    CONDITIONAL_UPDATE = "UPDATE IF"
    CONDITIONAL_DELETE = "DELETE IF"
    BATCH = "BATCH"
    USE = "USE"
    CREATE_KEYSPACE = "CREATE KEYSPACE"
    ALTER_KEYSPACE = "ALTER KEYSPACE"
    DROP_KEYSPACE = "DROP KEYSPACE"
    CREATE_TABLE = "CREATE TABLE"
    ALTER_TABLE = "ALTER TABLE"
    DROP_TABLE = "DROP TABLE"
    RESTORE_TABLE = "RESTORE TABLE"
    CREATE_TYPE = "CREATE TYPE"
    ALTER_TYPE = "ALTER TYPE"
    DROP_TYPE = "DROP TYPE"
    UPDATE_PARTITIONER = "UPDATE PARTITIONER"
    """`UPDATE system.local SET partitioner = …`: an account's setting in the shape of a write."""

    DESCRIBE = "DESCRIBE"
    """Answered by the agent from the schema that the caller may see."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FormRule:
    """What a statement form needs."""

    permissions: tuple[Permission, ...]
    """Needed on what the statement names; empty where nothing is read or written, or where its parts say."""

    writes: bool
    """Whether Keyspaces holds it to the consistency levels of writes. What changes the schema counts as a write:
    only LOCAL_QUORUM is sure to be taken for it."""

    keyspace: bool = False
    """Whether it is about a keyspace as a whole, not about one table."""

    preparable: bool = False
    """Whether it may be prepared: data statements only."""


# A conditional write answers with the values that stood in its way: it reads.
FORMS: dict[StatementForm, FormRule] = {
    StatementForm.SELECT: FormRule(permissions=(Permission.SELECT,), writes=False, preparable=True),
    StatementForm.INSERT: FormRule(permissions=(Permission.MODIFY,), writes=True, preparable=True),
    StatementForm.UPDATE: FormRule(permissions=(Permission.MODIFY,), writes=True, preparable=True),
    StatementForm.DELETE: FormRule(permissions=(Permission.MODIFY,), writes=True, preparable=True),
    StatementForm.CONDITIONAL_INSERT: FormRule(
        permissions=(Permission.SELECT, Permission.MODIFY), writes=True, preparable=True
    ),
    StatementForm.CONDITIONAL_UPDATE: FormRule(
        permissions=(Permission.SELECT, Permission.MODIFY), writes=True, preparable=True
    ),
    StatementForm.CONDITIONAL_DELETE: FormRule(
        permissions=(Permission.SELECT, Permission.MODIFY), writes=True, preparable=True
    ),
    StatementForm.BATCH: FormRule(permissions=(), writes=True, preparable=True),
    StatementForm.USE: FormRule(permissions=(), writes=False),
    StatementForm.CREATE_KEYSPACE: FormRule(permissions=(Permission.CREATE,), writes=True, keyspace=True),
    StatementForm.ALTER_KEYSPACE: FormRule(permissions=(Permission.ALTER,), writes=True, keyspace=True),
    StatementForm.DROP_KEYSPACE: FormRule(permissions=(Permission.DROP,), writes=True, keyspace=True),
    StatementForm.CREATE_TABLE: FormRule(permissions=(Permission.CREATE,), writes=True),
    StatementForm.ALTER_TABLE: FormRule(permissions=(Permission.ALTER,), writes=True),
    StatementForm.DROP_TABLE: FormRule(permissions=(Permission.DROP,), writes=True),
    # On the new table; the table that it is made from is read, which its own access says.
    StatementForm.RESTORE_TABLE: FormRule(permissions=(Permission.RESTORE,), writes=True),
    StatementForm.CREATE_TYPE: FormRule(permissions=(Permission.CREATE,), writes=True, keyspace=True),
    StatementForm.ALTER_TYPE: FormRule(permissions=(Permission.ALTER,), writes=True, keyspace=True),
    StatementForm.DROP_TYPE: FormRule(permissions=(Permission.DROP,), writes=True, keyspace=True),
    StatementForm.UPDATE_PARTITIONER: FormRule(permissions=(Permission.UPDATE_PARTITIONER,), writes=True),
    StatementForm.DESCRIBE: FormRule(permissions=(), writes=False),
}

_TAG = ("cassandra:TagResource", "cassandra:TagMultiRegionResource")
_UNTAG = ("cassandra:UntagResource", "cassandra:UnTagMultiRegionResource")

IAM_ACTIONS: dict[Permission, tuple[str, ...]] = {
    Permission.SELECT: ("cassandra:Select", "cassandra:SelectMultiRegionResource"),
    Permission.MODIFY: ("cassandra:Modify", "cassandra:ModifyMultiRegionResource"),
    Permission.CREATE: ("cassandra:Create", "cassandra:CreateMultiRegionResource", *_TAG),
    Permission.ALTER: ("cassandra:Alter", "cassandra:AlterMultiRegionResource", *_TAG, *_UNTAG),
    Permission.DROP: ("cassandra:Drop", "cassandra:DropMultiRegionResource"),
    Permission.RESTORE: ("cassandra:Restore", "cassandra:RestoreMultiRegionTable", *_TAG),
    Permission.UPDATE_PARTITIONER: ("cassandra:UpdatePartitioner",),
}


def expand(names: tuple[PermissionName, ...]) -> tuple[Permission, ...]:
    """The permissions that a rule's names mean, in the order of the enumeration."""
    return tuple(p for p in Permission if "*" in names or p.value in names)
