"""Writes what databases, roles, users and locks say of access: after the policies, which wait for none of it.

A look at a namespace leaves here what is to be told, in the place of what the look before left and nobody wrote yet.
One write at a time and namespace, and none while the namespace is looked at, so that a look never reads a status that
is about to be another. Nothing is kept that a look would not find again.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
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


@dataclass(slots=True)
class _Told:
    """Of one namespace."""

    changes: dict[Reference, StatusChange] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Telling:
    """What is still to be told, of all namespaces."""

    def __init__(self, api: KubernetesApi, queue: Inlet[Key], *, recorder: EventRecorder, journal: Journal) -> None:
        self._api = api.acting_as(FieldManager.ACCESS)
        self._queue = queue
        self._recorder = recorder
        self._journal = journal
        self._told: dict[str, _Told] = {}

    @asynccontextmanager
    async def looking(self, namespace: str) -> AsyncIterator[None]:
        """Around a look at a namespace, from its first read until it has left what is to be told."""
        async with self._of(namespace).lock:
            yield

    def leave(self, namespace: str, changes: Iterable[StatusChange], *, whole: bool = True) -> None:
        """What a look found that is to be told in a namespace; not `whole`: beside what was left there before."""
        told = self._of(namespace)
        found = {change.reference: change for change in changes}
        told.changes = found if whole else told.changes | found
        if told.changes:
            key = TellingKey(namespace)
            self._journal.pass_on(AccessKey(namespace), key)
            self._queue.add(key)

    async def reconcile(self, key: TellingKey) -> None:
        """Write what was left. Raises ApiError once everything else is written; what it is about stays."""
        told = self._of(key.namespace)
        troubles: list[ApiError] = []
        for reference in list(told.changes):
            async with told.lock:
                change = told.changes.get(reference)
                if change is not None:
                    await self._tell(key, change, troubles)
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
