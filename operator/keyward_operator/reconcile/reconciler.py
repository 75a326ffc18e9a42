"""What happens to a key: a namespace becomes its databases' keys, a database is observed, planned and applied."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from keyward_api.tenants import PlatformSettings
from keyward_operator import kinds
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.keys import DatabaseKey, Key, NamespaceKey
from keyward_operator.manifests.context import ManifestContext
from keyward_operator.plan.database import plan
from keyward_operator.plan.observed import Cluster
from keyward_operator.plan.pods import is_settled
from keyward_operator.queue.work_queue import WorkQueue
from keyward_operator.reconcile.apply import Applier
from keyward_operator.reconcile.events import EventRecorder
from keyward_operator.reconcile.observe import Observer
from keyward_operator.reconcile.orphans import Orphans
from keyward_operator.reconcile.replacements import Replacements

logger = logging.getLogger(__name__)


class Reconciler:
    """Reconciles one key at a time; several may run side by side for different keys."""

    def __init__(
        self,
        api: KubernetesApi,
        queue: WorkQueue[Key],
        *,
        cluster: Cluster,
        settings: Callable[[], PlatformSettings],
        agents_namespace: str,
        recorder: EventRecorder,
    ) -> None:
        self._api = api
        self._queue = queue
        self._settings = settings
        self._agents_namespace = agents_namespace
        self._replacements = Replacements()
        self._orphans = Orphans(api, agents_namespace=agents_namespace)
        self._applier = Applier(api, recorder)
        self._observer = Observer(
            api,
            cluster=cluster,
            agents_namespace=agents_namespace,
            replacement_due=self._replacements.due,
        )

    async def reconcile(self, key: Key) -> float | None:
        """Make the world match; seconds after which to look again, or None. Raises ApiError."""
        if isinstance(key, NamespaceKey):
            await self._spread(key)
            return None
        return await self._reconcile_database(key)

    async def _spread(self, key: NamespaceKey) -> None:
        for database in await self._api.list_all(kinds.KEYSPACES_DATABASE, namespace=key.namespace):
            self._queue.add(DatabaseKey(key.namespace, database["metadata"]["name"]))

    async def _reconcile_database(self, key: DatabaseKey) -> float | None:
        observed = await self._observer.observe(key)
        if observed is None:
            await self._remove_orphans(key)
            return None
        settings = self._settings()
        steps = plan(observed, settings=settings, agents_namespace=self._agents_namespace, now=datetime.now(UTC))
        context = ManifestContext(owner=observed.owner, agents_namespace=self._agents_namespace, settings=settings)
        await self._applier.apply(steps, observed, context)
        if steps.replace_pod is not None:
            self._replacements.replaced(key)
        elif is_settled(observed.pods):
            self._replacements.settled(key)
        return steps.requeue_after

    async def _remove_orphans(self, key: DatabaseKey) -> None:
        for reference in await self._orphans.remove(key):
            logger.info(
                "deleted %s, whose database is gone",
                reference,
                extra={"namespace": key.namespace, "database": key.name},
            )
        self._replacements.settled(key)
