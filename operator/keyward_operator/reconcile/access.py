"""What the roles, users and locks of a namespace come to: the policies of its databases, and their own status.

The short way from a change to the agents. It reads and writes what access hangs on and nothing else, of a database what
its status says of the policy, and that is written after (`telling`); whatever more is to be done, the database's own
reconciler does. One or two databases at a time: a namespace may have many large policies, and nothing of one is held
for the next.
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from keyward_operator.children import Child
from keyward_operator.clients.errors import ApiError, ForbiddenError, InvalidError, NotFoundError
from keyward_operator.errors import OvertakenError
from keyward_operator.journal import Journal
from keyward_operator.keys import AccessKey, DatabaseKey, Key
from keyward_operator.plan.access.concerns import Concerns
from keyward_operator.plan.access.plan import StatusChange, changes, next_end
from keyward_operator.plan.access.policies import DatabaseTold, PolicyState, database_told, policy_state
from keyward_operator.plan.access.world import AccessWorld, DatabaseAccess, access_world
from keyward_operator.plan.describe import change as described
from keyward_operator.plan.view import View
from keyward_operator.queue.work_queue import Inlet
from keyward_operator.reconcile.databases import Views
from keyward_operator.reconcile.known import Basis, KnownAccess
from keyward_operator.reconcile.observe import database_reference
from keyward_operator.reconcile.publisher import Publisher
from keyward_operator.reconcile.survey import NamespaceWorld, Surveyor
from keyward_operator.reconcile.telling import Telling
from keyward_operator.tasks import at_once

SIDE_BY_SIDE = 2
"""Databases that are computed at once, of whatever namespaces: more would only keep each other waiting."""

POLICIES_AT_ONCE = 2
"""Of a namespace: one has up to a mebibyte, and several once it is read, and namespaces are looked at side by side."""


@dataclass(kw_only=True, slots=True)
class _Look:
    """What came of one look so far."""

    key: AccessKey
    ticket: int
    """Of before anything was read."""

    concerns: Concerns
    found: dict[str, DatabaseAccess] = field(default_factory=dict)
    troubles: list[ApiError] = field(default_factory=list)
    overtaken: str = ""
    """By whom, if somebody who may have read newer objects published a policy."""


class AccessReconciler:
    """Reconciles the access of namespaces, which take turns by databases: one with many keeps no other waiting."""

    def __init__(
        self,
        queue: Inlet[Key],
        *,
        surveyor: Surveyor,
        publisher: Publisher,
        views: Views,
        known: KnownAccess,
        telling: Telling,
        journal: Journal,
    ) -> None:
        self._queue = queue
        self._known = known
        self._surveyor = surveyor
        self._publisher = publisher
        self._views = views
        self._telling = telling
        self._journal = journal
        self._turns = asyncio.Semaphore(SIDE_BY_SIDE)

    async def reconcile(self, key: AccessKey) -> float | None:
        """Publish what access changed; seconds after which to look again, or None.

        Raises ApiError once everything else is done.
        """
        await self._telling.begin(key.namespace)
        ticket = self._publisher.ticket()
        seen = await self._surveyor.survey_access(key.namespace)
        self._known.keep_only(key.namespace, seen.databases)
        look = _Look(key=key, ticket=ticket, concerns=await asyncio.to_thread(seen.concerns))
        await at_once(partial(self._see_to, look, seen), seen.databases, limit=POLICIES_AT_ONCE)
        if look.overtaken:
            self._journal.pass_on(key, key)
            self._journal.heard(key, look.overtaken)
            self._queue.add(key)
            return None  # whoever looks again says what came of it
        access = world_of(seen, look.found, datetime.now(UTC))
        self._telling.leave(key.namespace, changes(access))
        if look.troubles:
            raise look.troubles[0]
        end = next_end(access)
        return (end - access.now).total_seconds() if end else None

    async def _see_to(self, look: _Look, seen: NamespaceWorld, name: str) -> None:
        """Have agents of one database read what they shall, and note what that is."""
        database = DatabaseKey(look.key.namespace, name)
        basis = self._known.basis(database, look.concerns[name])
        known = self._known.recall(database, basis, datetime.now(UTC))
        try:
            if known is not None:
                await self._publisher.publish(database, None, ticket=look.ticket, live=None)
            look.found[name] = known or await self._work_out(look, seen, database, basis)
        except OvertakenError as error:
            look.overtaken = str(error)

    async def _work_out(self, look: _Look, seen: NamespaceWorld, database: DatabaseKey, basis: Basis) -> DatabaseAccess:
        """Publish the policy of one database. Raises OvertakenError."""
        observed = await self._surveyor.database(seen, database.name)
        async with self._turns:
            view = await self._views.of(observed, datetime.now(UTC))
        state = policy_state(view)
        published = await self._publish(look, database, view, state)
        access = DatabaseAccess.of(view, is_published=published)
        told = database_told(view, state, is_published=published)
        self._telling.leave(look.key.namespace, self._told(look.key, database, view, told))
        self._known.keep(database, basis, access, state=state, told=told)
        return access

    async def _publish(self, look: _Look, database: DatabaseKey, view: View, state: PolicyState) -> bool:
        """Whether agents can read the policy as it shall be. Raises OvertakenError."""
        live = view.own(Child.POLICY)
        try:
            if live is not None:
                await self._publisher.publish(database, state.change, ticket=look.ticket, live=live)
        except (NotFoundError, InvalidError, ForbiddenError) as error:
            # Its own reconciler finds the same, and says so in the status of the database.
            self._look_closer(database, f"{view.context.reference(Child.POLICY)} could not be applied: {error}")
            return False
        except ApiError as error:
            look.troubles.append(error)
            return False
        if state.change is not None:
            change = described(state.change, view)
            self._journal.did(look.key, f"applied {view.context.reference(Child.POLICY)}: {change}")
            return True
        return state.is_published

    def _look_closer(self, database: DatabaseKey, cause: str) -> None:
        self._journal.heard(database, cause)
        self._queue.add(database)

    def _told(self, key: AccessKey, database: DatabaseKey, view: View, told: DatabaseTold) -> Iterator[StatusChange]:
        """What a database says of its policy, if that is new."""
        if told.is_turn:
            self._look_closer(database, f"what it says of its policy is not what it said, as {key} comes to")
        if told.is_new:
            yield StatusChange.of(
                database_reference(database), view.observed.database, status=told.status, events=told.events
            )


def world_of(seen: NamespaceWorld, found: Mapping[str, DatabaseAccess], now: datetime) -> AccessWorld:
    """What was seen of a namespace, as the checks of its roles, users and locks see it."""
    lists = seen.inputs
    return access_world(roles=lists.roles, users=lists.users, locks=lists.locks, databases=found, now=now)
