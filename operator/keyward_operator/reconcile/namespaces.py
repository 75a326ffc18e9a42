"""A whole namespace: which of its databases have something to be done, and what its roles and users come to.

Databases are judged here and worked on by themselves: each is in one worker's hands at a time.
"""

from datetime import UTC, datetime

from keyward_api.names import FieldManager
from keyward_operator.clients.errors import NotFoundError
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.journal import Journal
from keyward_operator.keys import AgentRoleKey, DatabaseKey, Key, NamespaceKey
from keyward_operator.plan.access.plan import StatusChange, changes, next_end
from keyward_operator.plan.access.world import access_world
from keyward_operator.plan.agent_role.view import has_finalizer, is_concerned
from keyward_operator.plan.database import plan
from keyward_operator.plan.view import View
from keyward_operator.queue.work_queue import Inlet
from keyward_operator.reconcile.databases import Views, measure
from keyward_operator.reconcile.events import EventRecorder
from keyward_operator.reconcile.survey import NamespaceWorld, Surveyor


class NamespaceReconciler:
    """Looks at namespaces."""

    def __init__(
        self,
        api: KubernetesApi,
        queue: Inlet[Key],
        *,
        surveyor: Surveyor,
        views: Views,
        recorder: EventRecorder,
        journal: Journal,
    ) -> None:
        self._api = api.acting_as(FieldManager.ACCESS)
        self._queue = queue
        self._surveyor = surveyor
        self._views = views
        self._recorder = recorder
        self._journal = journal

    async def reconcile(self, key: NamespaceKey) -> float | None:
        """Look at a namespace; seconds after which to look again, or None. Raises ApiError."""
        now = datetime.now(UTC)
        world = await self._surveyor.survey(key.namespace)
        views = {name: await self._views.of(observed, now) for name, observed in world.databases.items()}
        for name, view in views.items():
            self._pass_on(DatabaseKey(key.namespace, name), view)
            if is_concerned(view.observed.database) and not has_finalizer(view.observed.database):
                # Nobody else would find it, should the event of its creation have been missed.
                self._queue.add(AgentRoleKey(key.namespace, name))
        return await self._tell(key, world, views, now)

    def _pass_on(self, key: DatabaseKey, view: View) -> None:
        steps = plan(view)
        measure(view)
        if steps.does_nothing:
            if steps.requeue_after is not None:
                self._queue.add_after(key, steps.requeue_after)
            return
        self._journal.heard(key, f"a look at namespace {key.namespace} found that it is not as it shall be")
        self._queue.add(key)

    async def _tell(
        self, key: NamespaceKey, world: NamespaceWorld, views: dict[str, View], now: datetime
    ) -> float | None:
        lists = world.inputs
        access = access_world(roles=lists.roles, users=lists.users, locks=lists.locks, databases=views, now=now)
        for change in changes(access):
            await self._change(key, change)
        end = next_end(access)
        return (end - now).total_seconds() if end else None

    async def _change(self, key: NamespaceKey, change: StatusChange) -> None:
        try:
            await self._api.apply_status(change.reference, uid=change.document["metadata"]["uid"], status=change.status)
        except NotFoundError:
            return  # deleted meanwhile
        self._journal.did(key, f"set the status of {change.reference}")
        await self._recorder.record(change.reference.kind, change.document, change.events)
