"""What the roles, users and locks of a namespace come to: the policies of its databases, and their own status.

The short way from a change to the agents. It reads and writes what access hangs on and nothing else; whatever more is
to be done for a database, its own reconciler does after.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from keyward_api.names import FieldManager
from keyward_operator.children import Child
from keyward_operator.clients.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.journal import Journal
from keyward_operator.keys import AccessKey, DatabaseKey, Key
from keyward_operator.plan.access.plan import StatusChange, changes, next_end
from keyward_operator.plan.access.policies import policy_change, tells_of_policy
from keyward_operator.plan.access.world import AccessWorld, access_world
from keyward_operator.plan.describe import change as described
from keyward_operator.plan.view import View
from keyward_operator.queue.work_queue import Inlet, Priority
from keyward_operator.reconcile.databases import Views
from keyward_operator.reconcile.events import EventRecorder
from keyward_operator.reconcile.survey import NamespaceWorld, Surveyor


class AccessReconciler:
    """Reconciles the access of namespaces."""

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
        self._policies = api.acting_as(FieldManager.DATABASE)
        self._statuses = api.acting_as(FieldManager.ACCESS)
        self._queue = queue
        self._surveyor = surveyor
        self._views = views
        self._recorder = recorder
        self._journal = journal

    async def reconcile(self, key: AccessKey) -> float | None:
        """Publish what access changed; seconds after which to look again, or None. Raises ApiError."""
        now = datetime.now(UTC)
        seen = await self._surveyor.survey_access(key.namespace)
        views = await self._views.of_all(seen.databases, now)
        for name, view in views.items():
            await self._publish(DatabaseKey(key.namespace, name), view, key)
        access = world_of(seen, views, now)
        for change in changes(access):
            await self._tell(key, change)
        end = next_end(access)
        return (end - now).total_seconds() if end else None

    async def _publish(self, database: DatabaseKey, view: View, key: AccessKey) -> None:
        manifest = policy_change(view)
        if manifest is None:
            if not tells_of_policy(view):
                self._look_closer(database, f"its policy is not what its status says, as {key} comes to", Priority.LOW)
            return
        reference, live = view.context.reference(Child.POLICY), view.observed.children[Child.POLICY]
        try:
            await self._policies.apply(manifest, resource_version=live["metadata"]["resourceVersion"])
        except (ConflictError, NotFoundError, InvalidError, ForbiddenError) as error:
            self._look_closer(database, f"{reference} could not be applied: {error}", Priority.NORMAL)
        else:
            self._journal.did(key, f"applied {reference}: {described(manifest, view)}")

    def _look_closer(self, database: DatabaseKey, cause: str, priority: Priority) -> None:
        self._journal.heard(database, cause)
        self._queue.add(database, priority)

    async def _tell(self, key: AccessKey, change: StatusChange) -> None:
        uid = change.document["metadata"]["uid"]
        try:
            await self._statuses.apply_status(change.reference, uid=uid, status=change.status)
        except NotFoundError:
            return  # deleted meanwhile
        self._journal.did(key, f"set the status of {change.reference}")
        await self._recorder.record(change.reference.kind, change.document, change.events)


def world_of(seen: NamespaceWorld, views: Mapping[str, View], now: datetime) -> AccessWorld:
    """What was seen of a namespace, as the checks of its roles, users and locks see it."""
    lists = seen.inputs
    return access_world(roles=lists.roles, users=lists.users, locks=lists.locks, databases=views, now=now)
