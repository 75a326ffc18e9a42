"""The agents' own IAM role, where the operator makes it: trusted to one ServiceAccount of this cluster, allowed to
assume the roles that grants name, and nothing else.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from keyward_api import names
from keyward_api.iam import agent_policy, agent_role_arn, agent_trust_policy
from keyward_api.iam_roles.permissions import INLINE_LIMIT
from keyward_api.names import Reason
from keyward_api.resources.iam_role import DEFAULT_SESSION_SECONDS
from keyward_api.tenants import TenantIAM
from keyward_operator.iam import calls
from keyward_operator.iam.calls import IamCall, Trouble
from keyward_operator.iam.convergence import foreign_policies, removal, repair
from keyward_operator.iam.desired_role import DesiredRole
from keyward_operator.iam.ownership import Holding, Ownership, holding
from keyward_operator.iam.role_state import Account, RoleState
from keyward_operator.plan.iam_role.checks import REFUSALS
from keyward_operator.plan.verdicts import Verdict, enumerate_names, fails, holds, join, passes_on, unknown


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentRole:
    """For whom, and where."""

    database: Ownership
    """The KeyspacesDatabase as the owner of the role."""

    account: Account
    iam: TenantIAM
    """The platform's settings for the namespace, mode `Manage`."""

    issuer: str
    """Of the cluster's ServiceAccount tokens; an OIDC provider of the account."""

    service_account: str
    """Of the agents, in `agents_namespace`."""

    agents_namespace: str

    @property
    def name(self) -> str:
        """Of the role."""
        return names.agent_role_name(
            cluster=self.database.cluster, namespace=self.database.namespace, database=self.database.name
        )

    @property
    def path(self) -> str:
        """Of the role."""
        return names.iam_path(path=self.iam.path, cluster=self.database.cluster, namespace=self.database.namespace)

    @property
    def arn(self) -> str:
        """Known before the role is made: a ServiceAccount is annotated with it."""
        return agent_role_arn(
            partition=self.account.partition,
            account_id=self.account.account_id,
            path=self.iam.path,
            cluster=self.database.cluster,
            namespace=self.database.namespace,
            database=self.database.name,
        )

    @property
    def provider_arn(self) -> str:
        """The OIDC provider that must be registered for the cluster."""
        issuer = self.issuer.removeprefix("https://")
        return f"arn:{self.account.partition}:iam::{self.account.account_id}:oidc-provider/{issuer}"

    def desired(self, assumes: Iterable[str]) -> DesiredRole:
        """The role, allowed to assume these role ARNs, the first of them that IAM has room for."""
        arns = fitting(assumes)
        return DesiredRole(
            name=self.name,
            path=self.path,
            ownership=self.database,
            description=f"Agents of KeyspacesDatabase {self.database.namespace}/{self.database.name}, kept by "
            "keyward-operator",
            max_session_seconds=DEFAULT_SESSION_SECONDS,
            boundary=self.iam.permissions_boundary or "",
            trust=agent_trust_policy(
                issuer=self.issuer,
                agent_role_arn=self.arn,
                namespace=self.agents_namespace,
                service_account=self.service_account,
            ),
            inline=agent_policy(arns) if arns else None,
            attached=frozenset(),
            attachable=frozenset(),
            tags={},
        )


def fitting(assumes: Iterable[str]) -> list[str]:
    """The role ARNs that one policy has room for, the first by name: more would be refused, and old ones stay."""
    arns = sorted(set(assumes))
    while arns and len(agent_policy(arns)) > INLINE_LIMIT:
        arns.pop()
    return arns


@dataclass(frozen=True, kw_only=True, slots=True)
class Steps:
    """What to do, and what to say."""

    calls: tuple[IamCall, ...] = ()
    verdict: Verdict | None = None
    """None where there is nothing to say."""

    finalizer: bool | None = None
    """Whether the database shall have our finalizer; None: as it is."""


def keep(
    agent: AgentRole,
    role: RoleState | None,
    *,
    assumes: Iterable[str],
    provider_exists: bool,
    troubles: Sequence[Trouble] = (),
) -> Steps:
    """Make the role what it shall be; `role` is whatever has its name."""
    wanted = sorted(set(assumes))
    desired = agent.desired(wanted)
    held = holding(role, agent.database, path=agent.path)
    if held is Holding.FOREIGN or held is Holding.LOST:
        return Steps(verdict=_taken(agent, role, held))
    if role is not None and role.path != agent.path:
        message = (
            f"{role.arn} cannot be moved to the platform's path {agent.path}: delete it, and it is made anew there"
        )
        return Steps(verdict=fails(Reason.PATH_DIFFERS, message))
    steps = (calls.create_role(desired),) if role is None else repair(role, desired)
    if troubles:
        return Steps(verdict=_refused(troubles))
    if steps:
        return Steps(calls=steps, verdict=unknown(Reason.PENDING, f"{agent.arn} is being set up"))
    if len(fitting(wanted)) < len(wanted):
        return Steps(verdict=_too_large(wanted[len(fitting(wanted)) :]))
    foreign = foreign_policies(role, frozenset()) if role else ()
    if foreign:
        message = f"{agent.arn} also has {enumerate_names(foreign)}, which are not the operator's: take them off"
        return Steps(verdict=fails(Reason.FOREIGN_POLICIES, message))
    if not provider_exists:
        message = (
            f"the account has no OIDC provider {agent.provider_arn}, so no agent can use its role: register it, for "
            "example with `eksctl utils associate-iam-oidc-provider --approve`"
        )
        return Steps(verdict=fails(Reason.NO_AWS_IDENTITY, message))
    return Steps(verdict=holds(Reason.TRUSTED, f"{agent.arn} is trusted to the agents' ServiceAccount"))


def let_go(agent: AgentRole, role: RoleState | None) -> Steps:
    """Delete the role with its database: nobody but its agents could use it. One that is not ours is left alone."""
    if role is None or holding(role, agent.database, path=agent.path) is not Holding.OURS:
        return Steps()
    steps = removal(role, frozenset())
    if steps.blockers:
        message = f"{agent.arn} has {enumerate_names(steps.blockers)}, which are not the operator's: take them off"
        return Steps(verdict=fails(Reason.DELETION_BLOCKED, message))
    return Steps(calls=steps.calls, verdict=unknown(Reason.PENDING, f"{agent.arn} is being deleted"))


def _too_large(left_out: Sequence[str]) -> Verdict:
    return fails(
        Reason.POLICY_TOO_LARGE,
        f"agents cannot assume {enumerate_names(left_out)}, for IAM takes {INLINE_LIMIT} characters of their own "
        "role's policy: let grants name fewer IAM roles",
    )


def _taken(agent: AgentRole, role: RoleState | None, held: Holding) -> Verdict:
    arn = role.arn if role else agent.arn
    reason = Reason.OWNERSHIP_LOST if held is Holding.LOST else Reason.NAME_TAKEN
    return fails(
        reason,
        f"{arn} exists and does not carry the tags of this database, so it is left alone: delete it, or set the tags "
        + ", ".join(f"{key}={value}" for key, value in agent.database.tags.items()),
    )


@passes_on(*REFUSALS)
def _refused(troubles: Sequence[Trouble]) -> Verdict:
    message = join([trouble.message for trouble in troubles])
    if all(trouble.passes for trouble in troubles):
        return unknown(Reason.PENDING, f"IAM does not show yet what was changed: {message}")
    return fails(troubles[0].reason, message)
