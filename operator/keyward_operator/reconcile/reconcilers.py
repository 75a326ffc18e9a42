"""Which reconciler works on which kind of key."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from keyward_api.tenants import PlatformSettings
from keyward_operator.clients.iam_api import IamApi
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.journal import Journal
from keyward_operator.keys import (
    AccessKey,
    AgentRoleKey,
    DatabaseKey,
    IAMRoleKey,
    IAMRolesKey,
    Key,
    NamespaceKey,
    StrayRolesKey,
    TellingKey,
)
from keyward_operator.plan.observed import Cluster
from keyward_operator.queue.work_queue import Inlet
from keyward_operator.reconcile.access import AccessReconciler
from keyward_operator.reconcile.agent_roles import AgentRoleReconciler
from keyward_operator.reconcile.apply import Applier
from keyward_operator.reconcile.databases import DatabaseReconciler, Views
from keyward_operator.reconcile.events import EventRecorder
from keyward_operator.reconcile.iam_executor import IamExecutor
from keyward_operator.reconcile.iam_roles import IAMRoleReconciler, IAMRolesReconciler
from keyward_operator.reconcile.known import KnownAccess
from keyward_operator.reconcile.namespaces import NamespaceReconciler
from keyward_operator.reconcile.observe import Observer
from keyward_operator.reconcile.orphans import Orphans
from keyward_operator.reconcile.previews import Previews
from keyward_operator.reconcile.publisher import Publisher
from keyward_operator.reconcile.replacements import Replacements
from keyward_operator.reconcile.stray_roles import StrayRolesReconciler
from keyward_operator.reconcile.survey import Surveyor
from keyward_operator.reconcile.telling import Telling
from keyward_operator.scope import Scope


@dataclass(frozen=True, kw_only=True, slots=True)
class Reconcilers:
    """All of them."""

    by_key: dict[type[Key], Callable[[Any], Awaitable[float | None]]]
    """By the type of the key that each takes."""

    previews: Previews
    """What would be done for objects."""

    wrote_policy: Callable[[DatabaseKey, int], bool]
    """Whether a policy of this generation is of our writing; from any thread."""

    async def reconcile(self, key: Key) -> float | None:
        """Work on a key; seconds after which to look again, or None."""
        return await self.by_key[type(key)](key)


def build(
    api: KubernetesApi,
    iam: IamApi,
    queue: Inlet[Key],
    journal: Journal,
    scope: Scope,
    *,
    cluster: Cluster,
    settings: Callable[[], PlatformSettings],
    instance: str,
) -> Reconcilers:
    """All reconcilers; `instance` names this operator in events."""
    recorder = EventRecorder(api, instance=instance)
    replacements = Replacements()
    views = Views(scope, settings=settings)
    publisher = Publisher(api)
    databases = DatabaseReconciler(
        publisher=publisher,
        observer=Observer(api, scope, cluster=cluster, settings=settings, replacement_due=replacements.due),
        views=views,
        applier=Applier(api, queue, publisher=publisher, recorder=recorder, journal=journal),
        orphans=Orphans(api, scope),
        replacements=replacements,
        journal=journal,
    )
    surveyor = Surveyor(api, scope, cluster=cluster, replacement_due=replacements.due)
    known = KnownAccess(publisher, settings=settings)
    namespaces = NamespaceReconciler(queue, surveyor=surveyor, views=views, known=known, journal=journal)
    telling = Telling(api, queue, recorder=recorder, journal=journal)
    access = AccessReconciler(
        queue, surveyor=surveyor, publisher=publisher, views=views, known=known, telling=telling, journal=journal
    )
    executor = IamExecutor(iam)
    roles = IAMRoleReconciler(
        api, executor, scope, cluster=cluster, settings=settings, recorder=recorder, journal=journal
    )
    agent_roles = AgentRoleReconciler(
        api, executor, queue, scope, cluster=cluster, settings=settings, recorder=recorder, journal=journal
    )
    strays = StrayRolesReconciler(api, iam, scope, cluster=cluster, settings=settings, journal=journal)
    return Reconcilers(
        by_key={
            DatabaseKey: databases.reconcile,
            NamespaceKey: namespaces.reconcile,
            AccessKey: access.reconcile,
            TellingKey: telling.reconcile,
            IAMRoleKey: roles.reconcile,
            AgentRoleKey: agent_roles.reconcile,
            IAMRolesKey: IAMRolesReconciler(api, queue, journal).reconcile,
            StrayRolesKey: strays.reconcile,
        },
        previews=Previews(databases=databases.preview, iam_roles=roles.preview, surveyor=surveyor, views=views),
        wrote_policy=publisher.wrote,
    )
