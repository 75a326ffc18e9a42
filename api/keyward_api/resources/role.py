"""KeyspacesRole: what may be done, where, and as which IAM role."""

from typing import Annotated

from pydantic import Field

from keyward_api.permissions import PermissionName
from keyward_api.resources.models import (
    LIST_ATOMIC,
    LIST_SET,
    ConditionList,
    DNSSubdomain,
    LabelSelector,
    Model,
    Name,
    ObjectMeta,
    name_list,
    validations,
)

NamePattern = Annotated[str, Field(min_length=1, max_length=48, pattern=r"^[A-Za-z0-9_*]{1,48}$")]
MAXIMUM_SESSION_SECONDS = 43200
"""How long a session lasts where no role says otherwise: the longest that an IAM role's own sessions last."""

DBUser = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2048,
        pattern=r"^(\*|[A-Za-z0-9_+=,.@-]{1,64}|arn:aws(-cn|-us-gov)?:iam::[0-9]{12}:role/([!-~]+/)?[A-Za-z0-9_+=,.@-]{1,64})$",
    ),
]


class DatabaseSelector(Model):
    """Which databases of the role's namespace a rule is about: by name, or by label."""

    names: tuple[Annotated[str, Field(min_length=1, max_length=253)], ...] | None = Field(
        default=None,
        min_length=1,
        max_length=64,
        json_schema_extra=LIST_SET,
        description="Names of KeyspacesDatabases; `*` means all of the namespace.",
    )
    selector: LabelSelector | None = Field(default=None, description="Labels of KeyspacesDatabases.")

    def matches(self, *, name: str, labels: dict[str, str]) -> bool:
        """Whether the database of that name and those labels is selected."""
        if self.names is not None:
            return "*" in self.names or name in self.names
        return self.selector is not None and self.selector.matches(labels)


class Rule(Model):
    """One rule. Every dimension is required; `*` means all of it."""

    databases: DatabaseSelector = Field(
        description="The databases that the rule is about.",
        json_schema_extra=validations(
            ("has(self.names) != has(self.selector)", "set exactly one of `names` and `selector`")
        ),
    )
    db_users: tuple[DBUser, ...] = Field(
        min_length=1,
        max_length=32,
        description="IAM roles that may be assumed: names or ARNs in the database's account; a name stands for the ARN "
        "of the KeyspacesIAMRole with that `roleName`, where there is one. `*` alone stands for every KeyspacesIAMRole "
        "of the namespace in that account; in a deny for every IAM role.",
        json_schema_extra=LIST_SET,
    )
    keyspaces: tuple[NamePattern, ...] = Field(
        min_length=1,
        max_length=64,
        json_schema_extra=LIST_SET,
        description="Keyspace names, case-sensitive after CQL's folding; `*` matches any run of characters.",
    )
    tables: tuple[NamePattern, ...] = Field(
        min_length=1,
        max_length=64,
        json_schema_extra=LIST_SET,
        description="Table names, case-sensitive after CQL's folding; `*` matches any run of characters.",
    )
    permissions: tuple[PermissionName, ...] = Field(
        min_length=1,
        max_length=16,
        json_schema_extra=LIST_SET,
        description="What may be done; `*` means all.",
    )


class RoleOptions(Model):
    """How holders may use their sessions. Of several roles' options the strictest counts; unset says nothing."""

    max_session_seconds: int | None = Field(
        default=None,
        ge=60,
        le=604800,
        description=f"Seconds after which a session must log in again. Default: {MAXIMUM_SESSION_SECONDS}.",
    )
    idle_timeout_seconds: int | None = Field(
        default=None,
        ge=10,
        le=604800,
        description="Seconds without a statement after which a session ends; drivers' heartbeats do not count. "
        "Default: none.",
    )
    max_connections: int | None = Field(
        default=None,
        ge=1,
        le=10000,
        description="Connections that one identity may have open at one agent at a time with this role. Default: "
        "`limits.maxConnectionsPerIdentity` of the database.",
    )
    allow_tracing: bool | None = Field(
        default=None,
        description="Whether statements may ask for tracing, and system_traces may be read, which shows statements of "
        "others; Amazon Keyspaces has no tracing. Every role that says anything must say yes. Default: no.",
    )


class KeyspacesRoleSpec(Model):
    """Allows add up over all roles of a user; a deny of any role wins over every allow."""

    allow: tuple[Rule, ...] = Field(
        default=(), max_length=64, json_schema_extra=LIST_ATOMIC, description="What holders may do."
    )
    deny: tuple[Rule, ...] = Field(
        default=(), max_length=64, json_schema_extra=LIST_ATOMIC, description="What holders may never do."
    )
    options: RoleOptions = Field(default_factory=RoleOptions, description="How holders may use their sessions.")


class KeyspacesRoleStatus(Model):
    """Where the role counts, and for whom."""

    conditions: ConditionList = ()
    databases: tuple[Name, ...] = name_list("KeyspacesDatabases that its rules are about.")
    users: tuple[Name, ...] = name_list("KeyspacesUsers that name it.")


class KeyspacesRole(Model):
    """What may be done on the databases of this namespace. Empty allows nothing."""

    metadata: ObjectMeta
    spec: KeyspacesRoleSpec
    status: KeyspacesRoleStatus = Field(default_factory=KeyspacesRoleStatus)


RoleName = DNSSubdomain
