"""KeyspacesIAMRole: an IAM role that agents assume, adopted as it is or made and kept by the operator."""

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field

from keyward_api.permissions import PermissionName
from keyward_api.resources.models import (
    LIST_ATOMIC,
    LIST_SET,
    AccountID,
    ConditionList,
    Model,
    Name,
    ObjectMeta,
    RoleARN,
    name_list,
    validations,
)
from keyward_api.resources.role import NamePattern

Management = Literal["Adopt", "Manage"]
DeletionPolicy = Literal["Retain", "Delete"]

DEFAULT_SESSION_SECONDS = 3600
"""IAM's own default of MaxSessionDuration, and as long as a chained session can last."""

TAGS_LIMIT = 40
"""Tags of a role that its owner may choose: IAM admits 50, some of which are the operator's."""

POLICY_CHARACTERS_LIMIT = 16384
"""Characters of a policy in the status: more than IAM takes, so that one that is too large can still be read."""

TAG_RULES = validations(
    (
        "!self.exists(key, key.matches('(?i)^(keyward|aws):'))",
        "keys of `tags` must not begin with 'keyward:', which is the operator's, nor with 'aws:', which is AWS'",
    ),
    (
        "!self.exists(key, !key.matches('^[A-Za-z0-9_.:/=+@ -]{1,128}$'))",
        "keys of `tags` must have 1 to 128 characters of a-z, A-Z, 0-9, spaces and '_.:/=+-@'",
    ),
)

IAMRoleName = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_+=,.@-]{1,64}$")]
ManagedPolicyName = Literal[
    "AmazonKeyspacesFullAccess", "AmazonKeyspacesReadOnlyAccess", "AmazonKeyspacesReadOnlyAccess_v2"
]
"""AWS' managed policies for Keyspaces, all that there are. `_v2` also describes VPC endpoints."""

TagValue = Annotated[str, Field(max_length=256, pattern=r"^[A-Za-z0-9_.:/=+@ -]*$")]


def _told_apart(tags: dict[str, str]) -> dict[str, str]:
    """IAM does not tell keys apart by case."""
    if len({key.lower() for key in tags}) != len(tags):
        raise ValueError("two keys of `tags` differ in case alone, which IAM takes for one: remove one of them")
    return tags


class IAMPermission(Model):
    """What the role may do in some tables. Every dimension is required; `*` means all of it."""

    keyspaces: tuple[NamePattern, ...] = Field(
        min_length=1,
        max_length=64,
        json_schema_extra=LIST_SET,
        description="Keyspace names; `*` matches any run of characters. The platform bounds them.",
    )
    tables: tuple[NamePattern, ...] = Field(
        min_length=1,
        max_length=64,
        json_schema_extra=LIST_SET,
        description="Table names; `*` matches any run of characters.",
    )
    permissions: tuple[PermissionName, ...] = Field(
        min_length=1, max_length=16, json_schema_extra=LIST_SET, description="What may be done; `*` means all."
    )


class KeyspacesIAMRoleSpec(Model):
    """What is wanted."""

    role_name: IAMRoleName = Field(
        description="Name of the role, without its path: names are unique in an account. Immutable.",
        json_schema_extra=validations(("self == oldSelf", "`roleName` is immutable: create another KeyspacesIAMRole")),
    )
    account_id: AccountID = Field(
        description="The AWS account of the role: 12 digits. Immutable.",
        json_schema_extra=validations(("self == oldSelf", "`accountID` is immutable: create another KeyspacesIAMRole")),
    )
    management: Management = Field(
        default="Adopt",
        description="`Adopt`: somebody else made the role; it is looked at, where the platform permits, and never "
        "changed. `Manage`: the operator makes it and keeps it as this spec says.",
    )
    permissions: tuple[IAMPermission, ...] = Field(
        default=(),
        max_length=32,
        json_schema_extra=LIST_ATOMIC,
        description="What the role may do, for `Manage`: its inline policy is made from it. Reading the system "
        "keyspaces, which every driver does, is always part of it.",
    )
    managed_policies: tuple[ManagedPolicyName, ...] = Field(
        default=(),
        max_length=len(get_args(ManagedPolicyName)),
        json_schema_extra=LIST_SET,
        description="AWS' managed policies for Keyspaces to attach, for `Manage`; the platform must permit each.",
    )
    max_session_seconds: int | None = Field(
        default=None,
        ge=3600,
        le=43200,
        description="Longest session of the role in seconds, for `Manage`. Sessions of agents are chained, which AWS "
        f"ends after an hour in any case. Default: {DEFAULT_SESSION_SECONDS}.",
    )
    tags: Annotated[dict[str, TagValue], AfterValidator(_told_apart)] = Field(
        default_factory=dict,
        max_length=TAGS_LIMIT,
        json_schema_extra=TAG_RULES,
        description="Tags of the role, for `Manage`, beside the operator's own. A tag that is taken out here stays on "
        "the role, as tags do that others set.",
    )
    deletion_policy: DeletionPolicy = Field(
        default="Retain",
        description="What becomes of the role when this object is deleted, for `Manage`. `Retain`: it stays as it is, "
        "without the tags by which the operator knows its own. `Delete`: it is deleted.",
    )


IAM_ROLE_SPEC_RULES = validations(
    (
        "self.management == 'Manage' || !self.permissions.exists(p, has(p.keyspaces)) && "
        "!self.managedPolicies.exists(name, name != '') && !has(self.tags) && !has(self.maxSessionSeconds) && "
        "self.deletionPolicy == 'Retain'",
        "`permissions`, `managedPolicies`, `maxSessionSeconds`, `tags` and `deletionPolicy` may be set for "
        "`management` 'Manage' only: a role that is adopted is never changed",
    ),
)


class KeyspacesIAMRoleStatus(Model):
    """What was seen, and what IAM's administrators need."""

    conditions: ConditionList = ()
    arn: RoleARN | None = Field(default=None, description="ARN of the role, with its path where that is known.")
    databases: tuple[Name, ...] = name_list("KeyspacesDatabases of the namespace whose grants name the role.")
    trust_policy: str | None = Field(
        default=None,
        max_length=POLICY_CHARACTERS_LIMIT,
        description="Trust policy (JSON) that the role has, for `Manage`, or must contain.",
    )
    permissions_policy: str | None = Field(
        default=None,
        max_length=POLICY_CHARACTERS_LIMIT,
        description="Policy (JSON) that the role has inline, for `Manage`, or whose rights it must have.",
    )


class KeyspacesIAMRole(Model):
    """An IAM role that agents assume: the database user of a login."""

    metadata: ObjectMeta
    spec: KeyspacesIAMRoleSpec
    status: KeyspacesIAMRoleStatus = Field(default_factory=KeyspacesIAMRoleStatus)
