"""What follows from what was observed, worked out once for all checks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import ValidationError

from keyward_api.compiler import Compilation, compile_policy
from keyward_api.database_admission import DatabaseAdmission, admit_database
from keyward_api.problems import first_line
from keyward_api.reading import read
from keyward_api.resources.database import KeyspacesDatabase
from keyward_api.resources.policy import AgentReport, KeyspacesPolicySpec, KeyspacesPolicyStatus
from keyward_api.tenants import PlatformSettings, Violation
from keyward_operator.children import Child
from keyward_operator.json_types import Json
from keyward_operator.manifests.context import ManifestContext
from keyward_operator.pki.rotation import Authorities
from keyward_operator.plan.iam_role.view import paths_of
from keyward_operator.plan.issuance import Issuance
from keyward_operator.plan.observed import Observed
from keyward_operator.plan.result import Issue
from keyward_operator.plan.standings import Standing, standing
from keyward_operator.plan.succession import succession


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """A database as the checks see it."""

    observed: Observed
    context: ManifestContext
    now: datetime
    standings: Mapping[Child, Standing]
    database: KeyspacesDatabase | None
    """None where its spec cannot be read."""

    problem: str
    """Why the spec cannot be read; empty where it can."""

    admission: DatabaseAdmission | None
    """What the platform says to it; None where its spec cannot be read."""

    authorities: Authorities | None
    """The CAs as they shall be now; None where the one that signs is missing or no longer valid."""

    wanted_authority: Issue | None
    """The CA that must be made."""

    issuance: Issuance | None
    """How far the platform's issuer is with it; None where it is asked for nothing."""

    service_address: str
    """IP address of the agents' Service; empty while there is none."""

    compilation: Compilation | None
    """None where the database may not be served."""

    reports: tuple[AgentReport, ...]
    """What those agents report whose pods exist."""

    refused: Mapping[Child, str] = field(default_factory=dict)
    """Children that the API server did not take just now, and why."""

    @property
    def violations(self) -> tuple[Violation, ...]:
        """What keeps the platform from permitting it."""
        return self.admission.violations if self.admission else ()

    @property
    def denied(self) -> bool:
        """Whether the database may not be served: on doubt it may not."""
        return self.database is None or bool(self.violations)

    @property
    def agent_role_arn(self) -> str:
        """The agents' own IAM role; empty where the spec cannot be read."""
        return self.admission.agent_role_arn if self.admission else ""

    def own(self, child: Child) -> Json | None:
        """The child, if it exists and is the database's."""
        return self.observed.children[child] if self.standings[child] is Standing.OWN else None

    def taken(self) -> tuple[Child, ...]:
        """Children whose names are taken by objects that are not the database's."""
        return tuple(child for child in Child if self.standings[child] is Standing.FOREIGN and child not in self.unused)

    @property
    def unused(self) -> frozenset[Child]:
        """Children that this database, or this platform, has no use for."""
        agents, agent = self.context.settings.agents, self.database.spec.agent if self.database else None
        needed = {
            Child.AWS_ROOTS: bool(agents.ca_bundle),
            Child.NETWORK_POLICY: agents.network_policy.enabled,
            Child.EXTERNAL_SERVICE: agent is not None and agent.service.type == "LoadBalancer",
            Child.AUTOSCALER: agent is not None and agent.autoscaling is not None,
        }
        return frozenset(child for child, is_needed in needed.items() if not is_needed)


def view_of(observed: Observed, context: ManifestContext, now: datetime) -> View:
    """Work out a view."""
    standings = {child: standing(observed.children.get(child), observed.owner) for child in Child}
    own = {child: observed.children[child] for child in Child if standings[child] is Standing.OWN}
    database, problem = read(KeyspacesDatabase, observed.database)
    admission = _admission(database, observed, context.settings)
    address = _service_address(own)
    compilation = None
    if database is not None and admission is not None and not admission.violations:
        compilation, problem = _compile(observed, database, admission, context.settings, address, now)
        database = database if compilation else None
    is_served = database is not None and compilation is not None
    authorities = succession(
        observed, context, own, now, may_be_made=is_served and _is_free(standings[Child.CA_SECRET])
    )
    return View(
        observed=observed,
        context=context,
        now=now,
        standings=standings,
        database=database,
        problem=problem,
        admission=admission,
        authorities=authorities.authorities,
        wanted_authority=authorities.wanted,
        issuance=authorities.issuance,
        service_address=address,
        compilation=compilation,
        reports=_reports(own.get(Child.POLICY), observed.pods),
    )


def published_policy(policy: Json | None) -> KeyspacesPolicySpec | None:
    """The policy that agents have now; None where there is none or it cannot be read."""
    try:
        return KeyspacesPolicySpec.model_validate(policy["spec"]) if policy else None
    except ValidationError:
        return None


def reports_of(policy: Json | None) -> tuple[AgentReport, ...]:
    """All reports in a policy's status; none where they cannot be read."""
    try:
        return KeyspacesPolicyStatus.model_validate((policy or {}).get("status") or {}).agents
    except ValidationError:
        return ()


def _admission(
    database: KeyspacesDatabase | None, observed: Observed, settings: PlatformSettings
) -> DatabaseAdmission | None:
    if database is None:
        return None
    return admit_database(
        tenants=settings.tenants,
        namespace_labels=observed.namespace_labels,
        database=database,
        cluster=observed.cluster.name(settings),
    )


def _compile(
    observed: Observed,
    database: KeyspacesDatabase,
    admission: DatabaseAdmission,
    settings: PlatformSettings,
    address: str,
    now: datetime,
) -> tuple[Compilation | None, str]:
    paths = paths_of(
        observed.iam_roles,
        settings=settings,
        namespace_labels=observed.namespace_labels,
        cluster=observed.cluster.name(settings),
    )
    try:
        compilation = compile_policy(
            database=database,
            roles=observed.roles,
            users=[user for user in observed.users if "deletionTimestamp" not in user["metadata"]],
            # Those about to be deleted too: until they are gone they hold.
            locks=observed.locks,
            iam_roles=observed.iam_roles,
            iam_paths=paths,
            agent_role_arn=admission.agent_role_arn,
            cluster_uid=observed.cluster.uid,
            service_address=address,
            now=now,
        )
    except ValueError as error:
        return None, first_line(error)
    return compilation, ""


def _service_address(own: Mapping[Child, Json]) -> str:
    if Child.SERVICE in own:
        return str(own[Child.SERVICE]["spec"].get("clusterIP") or "")
    published = published_policy(own.get(Child.POLICY))
    return published.database.service_address if published else ""


def _is_free(standing: Standing) -> bool:
    return standing in (Standing.ABSENT, Standing.OWN)


def _reports(policy: Json | None, pods: tuple[Json, ...]) -> tuple[AgentReport, ...]:
    alive = {pod["metadata"]["name"] for pod in pods}
    return tuple(report for report in reports_of(policy) if report.pod in alive)
