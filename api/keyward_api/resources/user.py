"""KeyspacesUser: who holds which roles."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from keyward_api.resources.models import (
    LIST_ATOMIC,
    LIST_SET,
    ConditionList,
    Model,
    Name,
    ObjectMeta,
    Time,
    name_list,
    validations,
)
from keyward_api.resources.role import RoleName

NAMESPACE_RULE = (
    "self.kind == 'ServiceAccount' ? has(self.namespace) : !has(self.namespace)",
    "`namespace` must be set for kind 'ServiceAccount', and for no other",
)
SERVICE_ACCOUNT_RULE = (
    "self.kind != 'ServiceAccount' || self.name.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')",
    "`name` of a ServiceAccount must be a lower-case DNS name",
)

SUBJECT_RULES = validations(
    NAMESPACE_RULE,
    (
        "self.kind != 'Group' || !self.name.startsWith('system:') || "
        "self.name.matches('^system:serviceaccounts:[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
        "a Group that holds everybody may not be a subject: of the 'system:' groups only "
        "'system:serviceaccounts:<namespace>' is accepted",
    ),
    (
        "self.kind != 'User' || !self.name.startsWith('system:')",
        "a User may not be one of Kubernetes' own ('system:…'): name ServiceAccounts by kind 'ServiceAccount'",
    ),
    SERVICE_ACCOUNT_RULE,
)


class Subject(Model):
    """A person, workload or group, exactly as Kubernetes authenticates it."""

    kind: Literal["ServiceAccount", "User", "Group"] = Field(
        description="What kind of identity it is. `User`: a person, by client certificate or by a token of a "
        "configured issuer; so far at agents outside the cluster only."
    )
    name: str = Field(min_length=1, max_length=253, description="Its name; for a Group as in `userInfo.groups`.")
    namespace: str | None = Field(
        default=None, min_length=1, max_length=63, description="The ServiceAccount's namespace."
    )


class KeyspacesUserSpec(Model):
    """Who holds what."""

    subjects: tuple[Annotated[Subject, Field(json_schema_extra=SUBJECT_RULES)], ...] = Field(
        min_length=1, max_length=64, json_schema_extra=LIST_ATOMIC, description="Who this user is."
    )
    roles: tuple[RoleName, ...] = Field(
        min_length=1,
        max_length=32,
        json_schema_extra=LIST_SET,
        description="KeyspacesRoles of this namespace.",
    )
    expire_time: Time | None = Field(
        default=None,
        description="When this user's access ends, such as `2026-12-31T18:00:00Z`: live sessions end with it. "
        "Default: never.",
    )
    suspended: bool = Field(default=False, description="Whether this user has no access for the time being.")

    def ended(self, now: datetime) -> bool:
        """Whether there is no access at `now`."""
        return self.suspended or (self.expire_time is not None and self.expire_time <= now)


class KeyspacesUserStatus(Model):
    """Where the user has access."""

    conditions: ConditionList = ()
    databases: tuple[Name, ...] = name_list("KeyspacesDatabases that it has a grant at.")
    grants: int = Field(default=0, ge=0, le=2**31 - 1, description="Grants in the policies of these databases.")


class KeyspacesUser(Model):
    """Gives subjects the roles of this namespace."""

    metadata: ObjectMeta
    spec: KeyspacesUserSpec
    status: KeyspacesUserStatus = Field(default_factory=KeyspacesUserStatus)
