"""What the platform's settings say about a database: whether it is permitted, and which IAM role its agents run as."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from keyward_api.endpoints import partition_of
from keyward_api.iam import agent_role_arn
from keyward_api.resources.database import KeyspacesDatabase
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
class DatabaseAdmission:
    """The verdict on one database, by the entry that admits it, or comes closest to it."""

    violations: tuple[Violation, ...]
    """Empty where it is permitted."""

    agent_role_arn: str
    """The agents' own role: the one that the spec names, or the one that the operator makes, before it is made."""

    iam: TenantIAM
    """What the operator may do in IAM for it."""


def admit_database(
    *, tenants: Sequence[Tenant], namespace_labels: Mapping[str, str], database: KeyspacesDatabase, cluster: str
) -> DatabaseAdmission:
    """Judge a database of a namespace with these labels; `cluster` is the cluster's name in the paths of IAM roles.

    One entry must admit all of it: entries do not add up. Of several that do, or are equally close to it, the first
    with the widest mode counts.
    """
    judged = [_judged(tenant, database, cluster) for tenant in applying(tenants, namespace_labels)]
    if judged:
        return min(judged, key=lambda entry: (len(entry.violations), -IAM_MODES.index(entry.iam.mode)))
    iam = TenantIAM()
    return DatabaseAdmission(violations=(NO_ENTRY,), agent_role_arn=_role_arn(database, iam, cluster), iam=iam)


def _judged(tenant: Tenant, database: KeyspacesDatabase, cluster: str) -> DatabaseAdmission:
    role = _role_arn(database, tenant.iam, cluster)
    found = tuple(_violations(tenant, database, role))
    return DatabaseAdmission(violations=found, agent_role_arn=role, iam=tenant.iam)


def _role_arn(database: KeyspacesDatabase, iam: TenantIAM, cluster: str) -> str:
    aws, given = database.spec.aws, database.spec.agent.identity.role_arn
    return given or agent_role_arn(
        partition=partition_of(aws.region),
        account_id=aws.account_id,
        path=iam.path,
        cluster=cluster,
        namespace=database.metadata.namespace,
        database=database.metadata.name,
    )


def _violations(tenant: Tenant, database: KeyspacesDatabase, role: str) -> Iterator[Violation]:
    spec = database.spec
    asked: list[tuple[str, Sequence[str], str]] = [
        ("accounts", tenant.accounts, spec.aws.account_id),
        ("regions", tenant.regions, spec.aws.region),
        ("endpointTypes", tenant.endpoint_types, spec.endpoint.type),
        ("agentRoleARNs", tenant.agent_role_arns, role),
        ("serviceTypes", tenant.service_types, spec.agent.service.type),
        *(("serviceAnnotations", tenant.service_annotations, key) for key in sorted(spec.agent.service.annotations)),
    ]
    if spec.agent.priority_class_name is not None:
        asked.append(("priorityClasses", tenant.priority_classes, spec.agent.priority_class_name))
    for setting, admitted, value in asked:
        if not any(admits(pattern, value) for pattern in admitted):
            yield not_among(setting, value)
    if spec.agent.identity.management == "Manage":
        yield from mode_violations(tenant)
