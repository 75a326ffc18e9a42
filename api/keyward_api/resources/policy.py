"""KeyspacesPolicy: what the operator compiled for one database, and what its agents report.

Written by the operator only; each agent applies its own entry of `status.agents`.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from keyward_api.permissions import Permission
from keyward_api.resources.database import Consistency, Limits, Staleness
from keyward_api.resources.models import (
    LIST_ATOMIC,
    AccountID,
    Model,
    ObjectMeta,
    Region,
    RoleARN,
    Time,
    list_map,
)
from keyward_api.resources.role import NamePattern, RoleOptions

REPORTED_ROLES_LIMIT = 256
"""IAM roles that an agent tries and reports, the first by name: a status must stay small."""

ENDPOINT_REASON_LIMIT = 512
"""Characters in which an agent says why it does not reach Keyspaces."""

AGENTS_LIMIT = 200
"""Agents that a policy's status has room for."""

GRANTS_LIMIT = 4096
IDENTITIES_LIMIT = 4096
IDENTITY_GRANTS_LIMIT = 1024
RULES_LIMIT = 2048
"""What one policy, identity and grant may hold; the compiler withholds what is beyond, the API server refuses it."""

LOCKS_LIMIT = 1024
LOCK_USERS_LIMIT = 4096
"""What one policy and lock may hold; beyond it the compiler locks the whole database."""

GrantID = Annotated[str, Field(min_length=1, max_length=32)]


class PolicyEndpoint(Model):
    """Where agents connect."""

    address: str = Field(max_length=253, description="DNS name that agents dial.")
    port: int = Field(ge=1, le=65535, description="TCP port.")
    server_name: str = Field(max_length=253, description="The name that the certificate must carry.")
    ca_bundle: str | None = Field(default=None, max_length=65536, description="PEM roots; unset: Amazon's.")


class PolicyDatabase(Model):
    """The database that the policy is for."""

    namespace: str = Field(max_length=63, description="Namespace of the KeyspacesDatabase.")
    name: str = Field(max_length=253, description="Name of the KeyspacesDatabase.")
    uid: str = Field(max_length=64, description="uid of the KeyspacesDatabase.")
    cluster_uid: str = Field(max_length=64, description="uid of the kube-system namespace: the cluster's identity.")
    account_id: AccountID = Field(description="AWS account.")
    region: Region = Field(description="AWS region.")
    partition: Literal["aws", "aws-cn", "aws-us-gov"] = Field(description="AWS partition.")
    endpoint: PolicyEndpoint = Field(description="Where agents connect.")
    agent_role_arn: RoleARN = Field(alias="agentRoleARN", description="The role that the agents must have.")
    external_id: str = Field(max_length=1224, description="ExternalId of each AssumeRole.")
    audience: str = Field(max_length=400, description="Audience of clients' tokens.")
    service_address: str = Field(
        default="",
        max_length=64,
        description="IP address of the agents' Service, which drivers see as the node.",
    )
    limits: Limits = Field(default_factory=Limits, description="What clients may take.")
    consistency: Consistency = Field(
        default_factory=Consistency, description="What becomes of consistency levels that Keyspaces refuses."
    )
    staleness: Staleness = Field(
        default_factory=Staleness, description="What agents do while they cannot know whether this policy is current."
    )


def role_of(source: str) -> str:
    """The KeyspacesRole that a rule's source names: no name of one holds a slash."""
    return source.partition("/")[0]


class PolicyRule(Model):
    """An allow or a deny, with where it comes from."""

    source: str = Field(max_length=320, description="KeyspacesRole and place, such as `reader/allow/0`.")
    keyspaces: tuple[NamePattern, ...] = Field(
        max_length=64, json_schema_extra=LIST_ATOMIC, description="Keyspace name patterns."
    )
    tables: tuple[NamePattern, ...] = Field(
        max_length=64, json_schema_extra=LIST_ATOMIC, description="Table name patterns."
    )
    permissions: tuple[Permission, ...] = Field(
        max_length=16, json_schema_extra=LIST_ATOMIC, description="Permissions."
    )

    @property
    def role(self) -> str:
        """The KeyspacesRole that it comes from."""
        return role_of(self.source)


class Grant(Model):
    """What one KeyspacesUser may do as one IAM role."""

    id: GrantID = Field(description="Stable name of this grant: from user and IAM role.")
    user: str = Field(max_length=253, description="KeyspacesUser.")
    db_user: str = Field(max_length=64, description="Short name of the IAM role.")
    role_arn: RoleARN = Field(alias="roleARN", description="The IAM role that is assumed.")
    allow: tuple[PolicyRule, ...] = Field(
        default=(), max_length=RULES_LIMIT, json_schema_extra=LIST_ATOMIC, description="Allows."
    )
    deny: tuple[PolicyRule, ...] = Field(
        default=(), max_length=RULES_LIMIT, json_schema_extra=LIST_ATOMIC, description="Denies: they win."
    )
    options: RoleOptions = Field(
        default_factory=RoleOptions, description="How sessions may be used: the strictest of the user's roles."
    )
    not_after: Time | None = Field(default=None, description="When the grant ends. Default: never.")

    @property
    def roles(self) -> frozenset[str]:
        """KeyspacesRoles that its rules come from."""
        return frozenset(rule.role for rule in (*self.allow, *self.deny))

    def ended(self, now: datetime) -> bool:
        """Whether the grant is over at `now`."""
        return self.not_after is not None and self.not_after <= now


class PolicyIdentity(Model):
    """A subject and its grants."""

    kind: Literal["ServiceAccount", "User", "Group"] = Field(description="What kind of identity it is.")
    name: str = Field(max_length=253, description="Its name.")
    namespace: str = Field(default="", max_length=63, description="A ServiceAccount's namespace.")
    grants: tuple[GrantID, ...] = Field(
        max_length=IDENTITY_GRANTS_LIMIT, json_schema_extra=LIST_ATOMIC, description="Ids of the grants that it holds."
    )


class LockedSubject(Model):
    """An identity, or all members of a group."""

    kind: Literal["ServiceAccount", "User", "Group"] = Field(description="What kind of identity it is.")
    name: str = Field(max_length=253, description="Its name.")
    namespace: str = Field(default="", max_length=63, description="A ServiceAccount's namespace.")


class PolicyLock(Model):
    """Sessions that are refused and closed, whatever they are granted: those of its target.

    Of a lock that names no target that an agent knows, every session is a target.
    """

    name: str = Field(max_length=253, description="KeyspacesLock.")
    message: str = Field(default="", max_length=256, description="What those who are locked out are told.")
    subject: LockedSubject | None = Field(default=None, description="Sessions of this identity, or group.")
    users: tuple[Annotated[str, Field(max_length=253)], ...] | None = Field(
        default=None,
        max_length=LOCK_USERS_LIMIT,
        json_schema_extra=LIST_ATOMIC,
        description="Sessions to which one of these KeyspacesUsers gives anything.",
    )
    db_user: str | None = Field(default=None, max_length=64, description="Sessions that use this IAM role.")
    session: str | None = Field(default=None, max_length=32, description="The session of this id.")
    agent: str | None = Field(default=None, max_length=253, description="Sessions at the agent in this pod.")
    not_after: Time | None = Field(default=None, description="When the lock ends. Default: never.")

    def ended(self, now: datetime) -> bool:
        """Whether the lock is over at `now`."""
        return self.not_after is not None and self.not_after <= now


def reported_roles(grants: Iterable[Grant]) -> dict[str, str]:
    """The IAM roles that agents try, short name to ARN: those that some grant allows something as."""
    arns = {grant.db_user: grant.role_arn for grant in grants if grant.allow}
    return {name: arns[name] for name in sorted(arns)[:REPORTED_ROLES_LIMIT]}


class KeyspacesPolicySpec(Model):
    """The compiled policy: the same inputs give the same bytes.

    Its lists are atomic: only the operator writes them, and lists merged by key would be followed in managedFields
    item by item, which makes the stored object half as large again.
    """

    revision: str = Field(max_length=64, description="Hash of everything else in this spec.")
    database: PolicyDatabase = Field(description="The database.")
    grants: tuple[Grant, ...] = Field(
        default=(), max_length=GRANTS_LIMIT, json_schema_extra=LIST_ATOMIC, description="All grants."
    )
    identities: tuple[PolicyIdentity, ...] = Field(
        default=(),
        max_length=IDENTITIES_LIMIT,
        json_schema_extra=LIST_ATOMIC,
        description="Who holds which grants.",
    )
    locks: tuple[PolicyLock, ...] = Field(
        default=(), max_length=LOCKS_LIMIT, json_schema_extra=LIST_ATOMIC, description="Who is locked out."
    )

    def without_ended(self, now: datetime) -> "KeyspacesPolicySpec":
        """The policy at `now`: without the grants and locks that have ended. The revision stays."""
        ended = {grant.id for grant in self.grants if grant.ended(now)}
        locks = tuple(lock for lock in self.locks if not lock.ended(now))
        if not ended and len(locks) == len(self.locks):
            return self
        identities = tuple(
            identity.model_copy(update={"grants": tuple(grant for grant in identity.grants if grant not in ended)})
            for identity in self.identities
        )
        grants = tuple(grant for grant in self.grants if grant.id not in ended)
        return self.model_copy(update={"grants": grants, "identities": identities, "locks": locks})

    def next_end(self, now: datetime) -> datetime | None:
        """When the next grant or lock ends after `now`; None where none does."""
        ends = [*(grant.not_after for grant in self.grants), *(lock.not_after for lock in self.locks)]
        return min((end for end in ends if end and end > now), default=None)


class RoleReport(Model):
    """Whether an agent could assume one IAM role."""

    db_user: str = Field(max_length=64, description="Short name of the IAM role.")
    assumable: bool = Field(description="Whether AssumeRole worked, once per policy revision.")
    reason: str = Field(default="", max_length=1024, description="Why not: what STS said, and what to do.")


class EndpointReport(Model):
    """Whether an agent reached Keyspaces when it last tried."""

    reachable: bool = Field(description="Whether it connected, and the endpoint proved its name by TLS.")
    reason: str = Field(default="", max_length=ENDPOINT_REASON_LIMIT, description="Why not.")


class AgentState(StrEnum):
    """What clients may expect of an agent."""

    STARTING = "Starting"
    """It has not served yet, or cannot at present: the report's reason says why."""

    SERVING = "Serving"
    """It takes connections."""

    DRAINING = "Draining"
    """It is about to end. Sessions that it has are still served, so drivers must not lose sight of it."""


class AgentReport(Model):
    """What one agent pod says of itself."""

    pod: str = Field(max_length=253, description="Pod name.")
    pod_ip: str = Field(default="", max_length=64, description="Pod address.")
    ready: bool = Field(default=False, description="Whether it takes connections.")
    state: AgentState = Field(
        default=AgentState.STARTING,
        description="Starting (not serving; the reason says why), Serving, or Draining (serves what it has).",
    )
    reason: str = Field(default="", max_length=256, description="Why it is not ready: a reason and a sentence.")
    observed_revision: str = Field(default="", max_length=64, description="Policy revision in force.")
    identity: str = Field(default="", max_length=2048, description="ARN that STS GetCallerIdentity returned.")
    endpoint: EndpointReport | None = Field(
        default=None, description="How the last attempt to reach Keyspaces went. Unset: none was made yet."
    )
    roles: tuple[RoleReport, ...] = Field(
        default=(),
        max_length=REPORTED_ROLES_LIMIT,
        json_schema_extra=list_map("dbUser"),
        description="Roles that grants name.",
    )


class KeyspacesPolicyStatus(Model):
    """What the agents report."""

    agents: tuple[AgentReport, ...] = Field(
        default=(),
        max_length=AGENTS_LIMIT,
        json_schema_extra=list_map("pod"),
        description="One entry for each agent pod.",
    )


class KeyspacesPolicy(Model):
    """The compiled policy of one database. Never edited by people."""

    metadata: ObjectMeta
    spec: KeyspacesPolicySpec
    status: KeyspacesPolicyStatus = Field(default_factory=KeyspacesPolicyStatus)
