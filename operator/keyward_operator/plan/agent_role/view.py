"""What follows from what was observed, worked out once for all steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from keyward_api import names
from keyward_api.database_admission import DatabaseAdmission, admit_database
from keyward_api.endpoints import partition_of
from keyward_api.names import Condition
from keyward_api.reading import read
from keyward_api.resources.database import KeyspacesDatabase
from keyward_api.tenants import PlatformSettings
from keyward_operator.iam.calls import Trouble
from keyward_operator.iam.ownership import Holding, Ownership, holding
from keyward_operator.iam.role_state import Account
from keyward_operator.json_types import Json
from keyward_operator.plan.agent_role.observed import Observed
from keyward_operator.plan.agent_role.role import AgentRole
from keyward_operator.plan.finalizers import finalizers_of
from keyward_operator.plan.verdicts import conditions_of


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """A database whose agents' own role the operator is to make, or made."""

    observed: Observed
    now: datetime
    database: KeyspacesDatabase | None
    """None where its spec cannot be read."""

    problem: str
    """Why the spec cannot be read; empty where it can."""

    admission: DatabaseAdmission | None
    """None where the spec cannot be read."""

    agent: AgentRole | None
    """The role; None where the spec cannot be read."""

    troubles: tuple[Trouble, ...]
    """What IAM refused when this plan was last carried out."""

    @property
    def has_finalizer(self) -> bool:
        """Whether a role may have been made for it."""
        return has_finalizer(self.observed.database)

    @property
    def is_deleted(self) -> bool:
        """Whether the database is being deleted."""
        return "deletionTimestamp" in self.observed.database["metadata"]

    @property
    def asks(self) -> bool:
        """Whether the database wants its agents' role to be made."""
        return self.database is not None and self.database.spec.agent.identity.management == "Manage"

    @property
    def is_asked(self) -> bool:
        """Whether IAM is asked for the role: only where the platform lets the operator change it."""
        return (self.asks or self.has_finalizer) and self.admission is not None and self.admission.iam.mode == "Manage"

    @property
    def in_own_account(self) -> bool:
        """Whether the role is in the account of the operator's own identity, the only one that it can work in."""
        account = self.observed.account
        return account is not None and self.agent is not None and account == self.agent.account

    @property
    def holding(self) -> Holding:
        """How the role that has the name relates to the database."""
        if self.agent is None:
            return Holding.FOREIGN
        return holding(self.observed.role, self.agent.database, path=self.agent.path)

    @property
    def assumes(self) -> tuple[str, ...]:
        """ARNs of the roles that grants allow something as."""
        grants = self.observed.policy.grants if self.observed.policy else ()
        return tuple(sorted({grant.role_arn for grant in grants if grant.allow}))


def is_concerned(database: Json) -> bool:
    """Whether a KeyspacesDatabase asks for a role of its agents, or did and shows it still."""
    identity = ((database.get("spec") or {}).get("agent") or {}).get("identity") or {}
    told = any(condition["type"] == Condition.AGENT_ROLE_READY for condition in conditions_of(database))
    return identity.get("management") == "Manage" or told or has_finalizer(database)


def has_finalizer(database: Json) -> bool:
    """Whether a role may have been made for a KeyspacesDatabase."""
    return names.AGENT_ROLE_FINALIZER in finalizers_of(database)


def view_of(observed: Observed, *, settings: PlatformSettings, troubles: Sequence[Trouble], now: datetime) -> View:
    """Work out a view."""
    database, problem = read(KeyspacesDatabase, observed.database)
    admission = agent = None
    if database is not None:
        cluster = observed.cluster.name(settings)
        admission = admit_database(
            tenants=settings.tenants,
            namespace_labels=observed.namespace_labels,
            database=database,
            cluster=cluster,
        )
        metadata, aws = database.metadata, database.spec.aws
        agent = AgentRole(
            database=Ownership(cluster=cluster, namespace=metadata.namespace, name=metadata.name, uid=metadata.uid),
            account=Account(partition=partition_of(aws.region), account_id=aws.account_id),
            iam=admission.iam,
            issuer=observed.cluster.issuer,
            service_account=observed.service_account,
            agents_namespace=observed.agents_namespace,
        )
    return View(
        observed=observed,
        now=now,
        database=database,
        problem=problem,
        admission=admission,
        agent=agent,
        troubles=tuple(troubles),
    )
