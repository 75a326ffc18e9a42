"""Which keyspaces and tables may this identity know of? Pure, beside `decision`, which says what it may do to them.

A table is visible to whoever has any permission on it that no deny takes away; a keyspace to whoever has any on
something in it, there or to come. Of the keyspaces that Amazon Keyspaces keeps itself those are visible that every
login may read. What is not visible is spoken of as if it did not exist.

Amazon Keyspaces lets every login read the whole of system_schema, which drivers need. Visibility is therefore good
manners towards people who ask for a description, not a border: secrets do not belong into names.
"""

from collections.abc import Iterator

from keyward_api.decision import SCHEMA_KEYSPACES, EffectiveGrant, is_system, matches
from keyward_api.permissions import Permission
from keyward_api.resources.policy import PolicyRule


def sees_keyspace(grant: EffectiveGrant, keyspace: str) -> bool:
    """Whether the keyspace exists for the holder of this grant: its name, its replication, its types."""
    if is_system(keyspace):
        return keyspace in SCHEMA_KEYSPACES
    allowed = (
        (permission, pattern)
        for rule in _about(grant.allow, keyspace)
        for permission in rule.permissions
        for pattern in rule.tables
    )
    return any(not _denied(grant, permission, keyspace, pattern) for permission, pattern in allowed)


def sees_table(grant: EffectiveGrant, keyspace: str, table: str) -> bool:
    """Whether the table exists for the holder of this grant: its columns, its options, its indexes."""
    if is_system(keyspace):
        return keyspace in SCHEMA_KEYSPACES
    allowed = (
        permission
        for rule in _about(grant.allow, keyspace)
        if any(matches(pattern, table) for pattern in rule.tables)
        for permission in rule.permissions
    )
    return any(not _denied(grant, permission, keyspace, table) for permission in allowed)


def _about(rules: tuple[PolicyRule, ...], keyspace: str) -> Iterator[PolicyRule]:
    return (rule for rule in rules if any(matches(pattern, keyspace) for pattern in rule.keyspaces))


def _denied(grant: EffectiveGrant, permission: Permission, keyspace: str, tables: str) -> bool:
    """Whether the permission is denied on all of `tables`, a name or a pattern.

    A pattern that matches another one's text matches all that the other matches: to the first, a `*` in that text is a
    character like any other, and only its own `*` can stand for it.
    """
    return any(
        permission in rule.permissions and any(matches(pattern, tables) for pattern in rule.tables)
        for rule in _about(grant.deny, keyspace)
    )
