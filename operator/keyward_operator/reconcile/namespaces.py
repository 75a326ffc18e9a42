"""A whole namespace, as a resync looks at it: is there something to be done for its databases, or for its access?

Databases are judged here and worked on by themselves: each is in one worker's hands at a time.
"""

import asyncio
from datetime import UTC, datetime

from keyward_operator.journal import Journal
from keyward_operator.keys import AccessKey, AgentRoleKey, DatabaseKey, Key, NamespaceKey
from keyward_operator.plan.access.plan import changes, next_end
from keyward_operator.plan.access.policies import database_told, policy_state
from keyward_operator.plan.access.world import AccessWorld, DatabaseAccess
from keyward_operator.plan.agent_role.view import has_finalizer, is_concerned
from keyward_operator.plan.database import plan
from keyward_operator.plan.view import View
from keyward_operator.queue.work_queue import Inlet
from keyward_operator.reconcile.access import world_of
from keyward_operator.reconcile.databases import Views, measure
from keyward_operator.reconcile.known import Basis, KnownAccess
from keyward_operator.reconcile.survey import Surveyor


class NamespaceReconciler:
    """Looks at namespaces."""

    def __init__(
        self, queue: Inlet[Key], *, surveyor: Surveyor, views: Views, known: KnownAccess, journal: Journal
    ) -> None:
        self._queue = queue
        self._known = known
        self._surveyor = surveyor
        self._views = views
        self._journal = journal

    async def reconcile(self, key: NamespaceKey) -> None:
        """Look at a namespace. Raises ApiError."""
        seen = await self._surveyor.survey(key.namespace)
        found: dict[str, DatabaseAccess] = {}
        concerns = await asyncio.to_thread(seen.concerns)
        for name in seen.databases:
            database = DatabaseKey(key.namespace, name)
            basis = self._known.basis(database, concerns[name])
            observed = await self._surveyor.database(seen, name)
            view = await self._views.of(observed, datetime.now(UTC))
            found[name] = self._pass_on(database, view, basis)
            if is_concerned(observed.database) and not has_finalizer(observed.database):
                # Nobody else would find it, should the event of its creation have been missed.
                self._queue.add(AgentRoleKey(key.namespace, name))
        self._pass_on_access(AccessKey(key.namespace), world_of(seen, found, datetime.now(UTC)))

    def _pass_on_access(self, key: AccessKey, access: AccessWorld) -> None:
        if any(changes(access)):
            self._look_closer(key, f"a look at namespace {key.namespace} found a status that is not as it shall be")
        elif end := next_end(access):
            self._queue.add_after(key, (end - access.now).total_seconds())

    def _pass_on(self, key: DatabaseKey, view: View, basis: Basis) -> DatabaseAccess:
        """Have done what is to be done for a database; what its policy says."""
        steps, state = plan(view), policy_state(view)
        measure(view)
        cause = f"a look at namespace {key.namespace} found that it is not as it shall be"
        access = DatabaseAccess.of(view, is_published=state.is_published)
        told = database_told(view, state, is_published=state.is_published)
        self._known.keep(key, basis, access, state=state, told=told)
        if state.change or told.is_new:
            self._look_closer(AccessKey(key.namespace), f"{cause}: the policy of {key}, or what is told of it")
        if not steps.does_nothing:
            self._journal.heard(key, cause)
            self._queue.add(key)
        elif steps.requeue_after is not None:
            self._queue.add_after(key, steps.requeue_after)
        return access

    def _look_closer(self, key: AccessKey, cause: str) -> None:
        self._known.forget(key.namespace)
        self._journal.heard(key, cause)
        self._queue.add(key)
