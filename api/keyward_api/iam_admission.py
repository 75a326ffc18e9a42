"""What the platform's settings say about an IAM role: whether it is permitted, and what the operator may do for it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from keyward_api.resources.iam_role import KeyspacesIAMRoleSpec
from keyward_api.tenants import (
    IAM_MODES,
    NO_ENTRY,
    Tenant,
    TenantIAM,
    Violation,
    admits,
    applying,
    mode_violations,
    not_among,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Admission:
    """The verdict on one IAM role."""

    violations: tuple[Violation, ...]
    """Empty where it is permitted."""

    iam: TenantIAM
    """What the operator may do in IAM where the role is: by the entry that admits it, or comes closest to it."""


def admit_iam_role(
    *, tenants: Sequence[Tenant], namespace_labels: Mapping[str, str], spec: KeyspacesIAMRoleSpec
) -> Admission:
    """Judge a KeyspacesIAMRole of a namespace with these labels.

    One entry must admit all of it. Of several that do, the first with the widest mode counts; where none does, the one
    that it comes closest to is told of.
    """
    judged = [(tenant, tuple(_violations(tenant, spec))) for tenant in applying(tenants, namespace_labels)]
    admitting = [tenant.iam for tenant, violations in judged if not violations]
    if admitting:
        return Admission(violations=(), iam=max(admitting, key=lambda iam: IAM_MODES.index(iam.mode)))
    if not judged:
        return Admission(violations=(NO_ENTRY,), iam=TenantIAM())
    closest, violations = min(judged, key=lambda entry: len(entry[1]))
    return Admission(violations=violations, iam=closest.iam)


def _violations(tenant: Tenant, spec: KeyspacesIAMRoleSpec) -> Iterator[Violation]:
    yield from _account_violations(tenant, spec.account_id)
    if spec.management != "Manage":
        return
    yield from mode_violations(tenant)
    for name in spec.managed_policies:
        if name not in tenant.iam.managed_policies:
            yield not_among("iam.managedPolicies", name)
    named = sorted({keyspace for permission in spec.permissions for keyspace in permission.keyspaces})
    for keyspace in named:
        if not any(admits(pattern, keyspace) for pattern in tenant.keyspaces):
            yield not_among("keyspaces", keyspace)


def _account_violations(tenant: Tenant, account_id: str) -> Iterator[Violation]:
    if not any(admits(pattern, account_id) for pattern in tenant.accounts):
        yield not_among("accounts", account_id)
