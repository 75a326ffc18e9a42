"""The policy of one database of a folder of manifests: compiled in process, as the operator does in a cluster.

What the operator would leave out and report in a condition is an error here: a folder takes effect as a whole or not
at all.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from keyward_api.compiler import compile_policy
from keyward_api.resources.database import KeyspacesDatabase
from keyward_api.resources.policy import KeyspacesPolicySpec
from keyward_proxy.standalone.manifests import Manifests, Resource, read_manifests
from keyward_proxy.standalone.problem import ManifestsError, Problem


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicySettings:
    """What a cluster would know of itself."""

    directory: Path
    database: str = ""
    """Namespace and name of the KeyspacesDatabase; empty: the only one."""

    cluster_uid: str = ""
    """First part of the ExternalId; empty: derived from the agent's role, see `derived_uid`."""

    advertise_address: str = ""
    """IP address that drivers see as the node's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StandalonePolicy:
    """A policy, and the manifests that it was made from."""

    spec: KeyspacesPolicySpec
    manifests: Manifests
    ignored: tuple[str, ...]
    """Roles, users, locks and IAM roles of other namespaces, which have no effect."""


def derived_uid(agent_role_arn: str) -> str:
    """The same on every machine whose agents have the same role, and for no other role."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"https://keyward.dev/standalone/{agent_role_arn}"))


def load_policy(settings: PolicySettings, old: Manifests | None = None) -> StandalonePolicy:
    """Read and compile; raises ManifestsError. `old` is what it replaces."""
    manifests = read_manifests(settings.directory, old)
    chosen = _choose(manifests.databases, settings.database)
    database = KeyspacesDatabase.model_validate(chosen)
    namespace = database.metadata.namespace
    ignored = _ignored(namespace, manifests)
    # There is one: the schema asks for it where nobody is to make it, and nobody is here.
    agent_role = str(database.spec.agent.identity.role_arn)
    compilation = compile_policy(
        database=database,
        roles=_of(namespace, manifests.roles),
        users=_of(namespace, manifests.users),
        locks=_of(namespace, manifests.locks),
        iam_roles=_of(namespace, manifests.iam_roles),
        iam_paths={},
        agent_role_arn=agent_role,
        cluster_uid=settings.cluster_uid or derived_uid(agent_role),
        service_address=settings.advertise_address,
        now=datetime.now(UTC),
    )
    if compilation.problems:
        problems = [Problem(file="", message=problem.message) for problem in compilation.problems]
        raise ManifestsError(problems, notes=map(no_effect, ignored))
    return StandalonePolicy(spec=compilation.spec, manifests=manifests, ignored=ignored)


def _choose(databases: Sequence[Resource], wanted: str) -> Resource:
    names = {_name(database): database for database in databases}
    if wanted in names:
        return names[wanted]
    if not wanted and len(names) == 1:
        return databases[0]
    listed = ", ".join(sorted(names)) or "none"
    message = (
        f"there is no KeyspacesDatabase {wanted}; there is {listed}"
        if wanted
        else f"exactly one KeyspacesDatabase is needed, there is {listed}: say which by --database NAMESPACE/NAME"
    )
    raise ManifestsError([Problem(file="", message=message)])


def _name(resource: Resource) -> str:
    return f"{resource['metadata']['namespace']}/{resource['metadata']['name']}"


def _of(namespace: str, resources: Sequence[Resource]) -> list[Resource]:
    return [resource for resource in resources if resource["metadata"]["namespace"] == namespace]


def no_effect(resource: str) -> str:
    """What to say of a resource that is ignored."""
    return f"{resource} has no effect: it is of another namespace than the database"


def _ignored(namespace: str, manifests: Manifests) -> tuple[str, ...]:
    return tuple(
        f"{resource['kind']} {_name(resource)}"
        for resource in (*manifests.roles, *manifests.users, *manifests.locks, *manifests.iam_roles)
        if resource["metadata"]["namespace"] != namespace
    )
