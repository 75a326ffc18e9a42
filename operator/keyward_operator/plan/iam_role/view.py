"""What follows from what was observed, worked out once for all checks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from keyward_api import names
from keyward_api.iam import role_arn, trust_policy_of
from keyward_api.iam_admission import Admission, admit_iam_role
from keyward_api.iam_roles.gaps import PermissionGap, TrustGap, permission_gap, trust_gap
from keyward_api.iam_roles.permissions import INLINE_LIMIT, TRUST_LIMIT, Place, permission_policy, rules_of
from keyward_api.reading import read
from keyward_api.resources.iam_role import DEFAULT_SESSION_SECONDS, KeyspacesIAMRole, KeyspacesIAMRoleSpec
from keyward_api.tenants import PlatformSettings
from keyward_operator.iam.calls import IamCall, Trouble
from keyward_operator.iam.convergence import repair
from keyward_operator.iam.desired_role import DesiredRole
from keyward_operator.iam.ownership import Holding, holding
from keyward_operator.iam.role_state import RoleState
from keyward_operator.json_types import Json
from keyward_operator.plan.iam_role.observed import DatabaseUse, Observed


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """A KeyspacesIAMRole as the checks see it."""

    observed: Observed
    now: datetime
    spec: KeyspacesIAMRoleSpec | None
    """None where it cannot be read."""

    problem: str
    """Why the spec cannot be read; empty where it can."""

    admission: Admission | None
    """None where the spec cannot be read."""

    partition: str
    path: str
    """Where in IAM the operator makes it."""

    holding: Holding
    desired: DesiredRole | None
    """What a managed role shall be; None for one that is adopted, or not permitted."""

    repairs: tuple[IamCall, ...]
    """The calls that make a role of ours what it shall be."""

    troubles: tuple[Trouble, ...]
    """What IAM refused when this plan was last carried out."""

    @property
    def denied(self) -> bool:
        """Whether nothing may be done for it: on doubt it may not."""
        return self.admission is None or bool(self.admission.violations)

    @property
    def manages(self) -> bool:
        """Whether the operator is to make and keep the role."""
        return self.spec is not None and self.spec.management == "Manage"

    @property
    def may_change(self) -> bool:
        """Whether the platform lets the operator change roles here, were they its own."""
        return self.admission is not None and self.admission.iam.mode == "Manage" and self.in_own_account

    @property
    def is_asked(self) -> bool:
        """Whether the platform lets the operator look at IAM here."""
        return self.admission is not None and self.admission.iam.mode != "None"

    @property
    def in_own_account(self) -> bool:
        """Whether the role is in the account of the operator's own identity, the only one that it can look at."""
        account = self.observed.account
        return account is not None and self.spec is not None and account.account_id == self.spec.account_id

    @property
    def attachable(self) -> frozenset[str]:
        """ARNs of the managed policies that are the operator's to attach and detach."""
        admitted = self.admission.iam.managed_policies if self.admission else ()
        return frozenset(_managed_arn(self.partition, name) for name in admitted)

    @property
    def trust(self) -> str:
        """The trust policy for all databases that use the role."""
        return trust_policy_of(_agents(self.observed.databases))

    @property
    def permissions(self) -> str:
        """What the role must allow; empty where no database uses it."""
        if not self.observed.databases or self.spec is None:
            return ""
        if self.manages:
            return permission_policy(rules_of(self.spec.permissions), _places(self.observed.databases))
        rules = dict.fromkeys(rule for use in self.observed.databases for rule in use.rules)
        return permission_policy(tuple(rules), _places(self.observed.databases))

    def arn(self) -> str:
        """The role's ARN, as IAM tells it or as it will be."""
        role = self.observed.role
        if role is not None and not (self.manages and self.holding is Holding.FOREIGN):
            return role.arn
        spec = self.spec
        if spec is None:
            return ""
        path = self.path.removeprefix("/") if self.manages else ""
        return role_arn(partition=self.partition, account_id=spec.account_id, name=f"{path}{spec.role_name}")

    def trust_gap(self, role: RoleState) -> TrustGap:
        """What an adopted role's trust policy lacks."""
        return trust_gap(role.trust, _agents(self.observed.databases))

    def permission_gap(self, role: RoleState) -> PermissionGap:
        """What an adopted role's own policies lack."""
        attached = [role.managed[arn] for arn in sorted(role.attached)]
        return permission_gap([*role.inline.values(), *attached], self.permissions)

    def boundary_gap(self, role: RoleState) -> PermissionGap | None:
        """What an adopted role's boundary does not admit; None where it has none."""
        return permission_gap([role.managed[role.boundary]], self.permissions) if role.boundary else None


def view_of(observed: Observed, *, settings: PlatformSettings, troubles: Sequence[Trouble], now: datetime) -> View:
    """Work out a view."""
    spec, problem = read_spec(observed.document)
    admission = admission_of(observed.document, settings=settings, namespace_labels=observed.namespace_labels)
    partition = _partition(observed)
    path = _path(admission, observed.document, cluster=observed.cluster)
    held = holding(observed.role, observed.ownership, path=path)
    desired = _desired(observed, spec, admission, partition=partition, path=path)
    ours = observed.role if held is Holding.OURS else None
    return View(
        observed=observed,
        now=now,
        spec=spec,
        problem=problem,
        admission=admission,
        partition=partition,
        path=path,
        holding=held,
        desired=desired,
        repairs=repair(ours, desired) if ours and desired else (),
        troubles=tuple(troubles),
    )


def read_spec(document: Json) -> tuple[KeyspacesIAMRoleSpec | None, str]:
    """The spec of a KeyspacesIAMRole, or None and why it cannot be read."""
    role, problem = read(KeyspacesIAMRole, document)
    return (role.spec if role else None), problem


def admission_of(
    document: Json, *, settings: PlatformSettings, namespace_labels: Mapping[str, str]
) -> Admission | None:
    """What the platform says to a KeyspacesIAMRole; None where its spec cannot be read. Tells whether to ask IAM."""
    spec, _ = read_spec(document)
    if spec is None:
        return None
    return admit_iam_role(tenants=settings.tenants, namespace_labels=namespace_labels, spec=spec)


def paths_of(
    documents: Iterable[Json], *, settings: PlatformSettings, namespace_labels: Mapping[str, str], cluster: str
) -> dict[str, str]:
    """Where in IAM the roles of KeyspacesIAMRoles are, if the operator makes them; by the objects' names."""
    return {
        document["metadata"]["name"]: _path(
            admission_of(document, settings=settings, namespace_labels=namespace_labels), document, cluster=cluster
        )
        for document in documents
    }


def _path(admission: Admission | None, document: Json, *, cluster: str) -> str:
    path = admission.iam.path if admission else "/"
    return names.iam_path(path=path, cluster=cluster, namespace=document["metadata"]["namespace"])


def _desired(
    observed: Observed,
    spec: KeyspacesIAMRoleSpec | None,
    admission: Admission | None,
    *,
    partition: str,
    path: str,
) -> DesiredRole | None:
    if spec is None or admission is None or spec.management != "Manage" or admission.iam.permissions_boundary is None:
        return None
    # What the platform no longer permits is not left open: nobody is trusted, and nothing is allowed.
    closed = bool(admission.violations)
    uses = () if closed else observed.databases
    arns = [] if closed else [_managed_arn(partition, name) for name in spec.managed_policies]
    inline = permission_policy(rules_of(spec.permissions), _places(uses)) if uses else None
    metadata = observed.document["metadata"]
    return DesiredRole(
        name=spec.role_name,
        path=path,
        ownership=observed.ownership,
        description=f"KeyspacesIAMRole {metadata['namespace']}/{metadata['name']}, kept by keyward-operator",
        max_session_seconds=spec.max_session_seconds or DEFAULT_SESSION_SECONDS,
        boundary=admission.iam.permissions_boundary,
        trust=trust_policy_of(_agents(trusted(uses))),
        inline=inline if inline is not None and len(inline) <= INLINE_LIMIT else None,
        attached=frozenset(arns),
        attachable=frozenset(_managed_arn(partition, name) for name in admission.iam.managed_policies),
        tags=spec.tags,
    )


def trusted(uses: Iterable[DatabaseUse]) -> tuple[DatabaseUse, ...]:
    """The uses that a trust policy can name: whose agents' role exists, the first of these that IAM has room for."""
    named: tuple[DatabaseUse, ...] = ()
    for use in uses:
        more = (*named, use)
        if use.agent_role_exists and len(trust_policy_of(_agents(more))) <= TRUST_LIMIT:
            named = more
    return named


def _agents(uses: Iterable[DatabaseUse]) -> dict[str, list[str]]:
    agents: dict[str, list[str]] = {}
    for use in uses:
        agents.setdefault(use.agent_role_arn, []).append(use.external_id)
    return agents


def _places(uses: Iterable[DatabaseUse]) -> list[Place]:
    return [use.place for use in uses]


def _partition(observed: Observed) -> str:
    if observed.account is not None:
        return observed.account.partition
    return next((use.place.partition for use in observed.databases), "aws")


def _managed_arn(partition: str, name: str) -> str:
    return f"arn:{partition}:iam::aws:policy/{name}"
