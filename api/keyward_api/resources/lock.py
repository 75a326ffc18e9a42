"""KeyspacesLock: who is shut out, at once and until further notice."""

from datetime import datetime

from pydantic import Field

from keyward_api.resources.models import (
    ConditionList,
    DNSSubdomain,
    Model,
    Name,
    ObjectMeta,
    Time,
    name_list,
    validations,
)
from keyward_api.resources.role import RoleName
from keyward_api.resources.user import NAMESPACE_RULE, SERVICE_ACCOUNT_RULE, Subject

TARGETS = ("subject", "user", "role", "dbUser", "database", "session", "agent")
"""The fields of a target, of which exactly one is set."""

TARGET_RULES = validations(
    (
        f"[{', '.join(f'has(self.{name})' for name in TARGETS)}].exists_one(isSet, isSet)",
        f"set exactly one of {', '.join(f'`{name}`' for name in TARGETS)}",
    ),
)


class LockTarget(Model):
    """What is locked."""

    subject: Subject | None = Field(
        default=None,
        json_schema_extra=validations(NAMESPACE_RULE, SERVICE_ACCOUNT_RULE),
        description="An identity, or all members of a group. Groups that hold everybody may be locked.",
    )
    user: DNSSubdomain | None = Field(
        default=None, description="A KeyspacesUser of this namespace: sessions to which it gives anything."
    )
    role: RoleName | None = Field(
        default=None,
        description="A KeyspacesRole of this namespace: sessions to which a KeyspacesUser with it gives anything.",
    )
    db_user: str | None = Field(
        default=None,
        min_length=1,
        max_length=2048,
        pattern=r"^([A-Za-z0-9_+=,.@-]{1,64}|arn:aws(-cn|-us-gov)?:iam::[0-9]{12}:role/([!-~]+/)?[A-Za-z0-9_+=,.@-]{1,64})$",
        description="An IAM role that sessions use: its name, or its ARN.",
    )
    database: DNSSubdomain | None = Field(
        default=None, description="A KeyspacesDatabase of this namespace: everybody is locked out of it."
    )
    session: str | None = Field(
        default=None,
        min_length=32,
        max_length=32,
        pattern=r"^[0-9a-f]{32}$",
        description="One session, by its id as `session` in the audit trail; its client may log in again.",
    )
    agent: str | None = Field(
        default=None,
        min_length=1,
        max_length=253,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*$",
        description="One agent, by its pod's name: it serves nobody, the others go on.",
    )

    @property
    def is_one(self) -> bool:
        """Whether exactly one target is set, so that it is known what is locked."""
        return len(self.model_dump(exclude_none=True)) == 1


class KeyspacesLockSpec(Model):
    """What is locked, and until when."""

    target: LockTarget = Field(description="What is locked.", json_schema_extra=TARGET_RULES)
    message: str = Field(default="", max_length=256, description="What those who are locked out are told.")
    expire_time: Time | None = Field(
        default=None, description="When the lock ends, such as `2026-12-31T18:00:00Z`. Default: with its deletion."
    )

    def ended(self, now: datetime) -> bool:
        """Whether nothing is locked any more at `now`."""
        return self.expire_time is not None and self.expire_time <= now


class KeyspacesLockStatus(Model):
    """Where the lock is in force."""

    conditions: ConditionList = ()
    databases: tuple[Name, ...] = name_list("KeyspacesDatabases of this namespace whose policies hold the lock.")


class KeyspacesLock(Model):
    """Refuses new sessions and closes live ones, whatever anybody is granted."""

    metadata: ObjectMeta
    spec: KeyspacesLockSpec
    status: KeyspacesLockStatus = Field(default_factory=KeyspacesLockStatus)
