"""Writes what databases, roles, users and locks say of access: after the policies, which wait for none of it.

A look at a namespace forgets what the one before left and nobody wrote yet, and leaves what is to be told by what it
reads. It waits for a write that is under way before it reads, so that no look reads a status that is about to be
another. Where looks follow one another so closely that nothing is told between them, a look does that first. Nothing is
kept that a look would not find again.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from keyward_api.names import FieldManager
from keyward_operator.clients.errors import ApiError, ConflictError, NotFoundError
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.journal import Journal
from keyward_operator.keys import AccessKey, Key, TellingKey
from keyward_operator.kinds import Reference
from keyward_operator.plan.access.plan import StatusChange
from keyward_operator.queue.work_queue import Inlet
from keyward_operator.reconcile.events import EventRecorder

PATIENCE = 2.0
"""Seconds that something may be left to be told before a look waits for it."""


@dataclass(slots=True)
class _Told:
    """Of one namespace."""

    changes: dict[Reference, StatusChange] = field(default_factory=dict)
    owed_since: float | None = None
    """Since when something is left; None: everything was told."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a status is written."""


class Telling:
    """What is still to be told, of all namespaces."""

    def __init__(
        self,
        api: KubernetesApi,
        queue: Inlet[Key],
        *,
        recorder: EventRecorder,
        journal: Journal,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api.acting_as(FieldManager.ACCESS)
        self._queue = queue
        self._recorder = recorder
        self._journal = journal
        self._clock = clock
        self._told: dict[str, _Told] = {}

    async def begin(self, namespace: str) -> None:
        """A look at a namespace begins: what was left there is forgotten, or told now where it waited for too long."""
        told = self._of(namespace)
        async with told.lock:
            if told.owed_since is not None and self._clock() - told.owed_since > PATIENCE:
                for change in list(told.changes.values()):
                    await self._tell(TellingKey(namespace), change, [])
                told.owed_since = None
            told.changes.clear()

    def leave(self, namespace: str, changes: Iterable[StatusChange]) -> None:
        """What a look found that is to be told in a namespace."""
        found = {change.reference: change for change in changes}
        if not found:
            return
        told, key = self._of(namespace), TellingKey(namespace)
        told.changes |= found
        told.owed_since = self._clock() if told.owed_since is None else told.owed_since
        self._journal.pass_on(AccessKey(namespace), key)
        self._queue.add(key)

    async def reconcile(self, key: TellingKey) -> None:
        """Write what was left. Raises ApiError once everything else is written; what it is about stays."""
        told = self._of(key.namespace)
        if not told.changes:
            self._journal.pass_on(key, key)  # a look has begun that leaves anew what was left for this
        troubles: list[ApiError] = []
        for reference in list(told.changes):
            async with told.lock:
                change = told.changes.get(reference)
                if change is not None:
                    await self._tell(key, change, troubles)
        if not told.changes:
            told.owed_since = None
        if troubles:
            raise troubles[0]

    async def _tell(self, key: TellingKey, change: StatusChange, troubles: list[ApiError]) -> None:
        metadata = change.document["metadata"]
        try:
            await self._api.apply_status(change.reference, uid=metadata["uid"], status=change.status)
        except (NotFoundError, ConflictError):
            pass  # deleted meanwhile, or made anew, of which an event tells
        except ApiError as error:
            troubles.append(error)
            return
        else:
            self._journal.did(key, f"set the status of {change.reference}")
            await self._recorder.record(change.reference.kind, change.document, change.events)
        del self._of(key.namespace).changes[change.reference]

    def _of(self, namespace: str) -> _Told:
        return self._told.setdefault(namespace, _Told())
