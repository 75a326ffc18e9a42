"""Writes policies. Two reconcilers do, and what was read longer ago never stays.

Whoever looks takes a ticket before anything is read. Who would write and has an older ticket than somebody who was here
must look again, for that one may have read newer objects; and so must who took it before a policy was written, for that
policy may not be the one that was read. The reconciler of access comes here even if it has nothing to write: each
change of a role or user has it look once more, so that the last word is that of who read last.
Of two operators, should the Lease ever fail, the one that read an older version of the policy is refused by the API
server.
"""

import asyncio
import itertools
from dataclasses import dataclass, field

from keyward_api.names import FieldManager
from keyward_operator.clients.errors import ConflictError
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.errors import OvertakenError
from keyward_operator.json_types import Json
from keyward_operator.keys import DatabaseKey


@dataclass(slots=True)
class _Turn:
    """Of one policy."""

    newest: int = 0
    """The newest ticket that was here, or that was given out when the policy was written."""

    generation: int = 0
    """Of the policy as it was written, or is being written."""

    writes: int = 0
    """Counted at the beginning and at the end of each write of ours, and where one of others was heard of."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Publisher:
    """The policies of all databases."""

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api.acting_as(FieldManager.DATABASE)
        self._tickets = itertools.count(1)
        self._turns: dict[DatabaseKey, _Turn] = {}

    def ticket(self) -> int:
        """A ticket, to be taken before anything is read."""
        return next(self._tickets)

    async def publish(self, key: DatabaseKey, manifest: Json | None, *, ticket: int, live: Json | None) -> None:
        """Write the policy of a database; None: it is as it shall be. `live` is the one that was read.

        Raises OvertakenError where something newer was seen, and ApiError.
        """
        turn = self._turns.setdefault(key, _Turn())
        async with turn.lock:
            if turn.newest > ticket:
                raise OvertakenError(f"{key} was looked at meanwhile by somebody who may have read newer objects")
            turn.newest = ticket
            if manifest is None:
                return
            read = live["metadata"] if live else {}
            ours = int(read.get("generation", 0))
            turn.generation = ours + 1  # before it is so, for the event may be here before the answer
            turn.writes += 1
            try:
                written = await self._api.apply(manifest, resource_version=read.get("resourceVersion"))
                ours = int(written["metadata"]["generation"])
            except ConflictError as error:
                raise OvertakenError(f"the policy of {key} was written meanwhile: {error}") from error
            finally:
                turn.generation = ours  # of a write that failed, but was done all the same, somebody looks once more
                turn.writes += 1  # what was read meanwhile may be what was there before
                turn.newest = self.ticket()  # also where nobody knows whether it was

    def wrote(self, key: DatabaseKey, generation: int) -> bool:
        """Whether a policy of this generation, of which was heard, is of our writing; from any thread.

        One that is not counts as a write of others'.
        """
        turn = self._turns.get(key)
        if turn is None:
            return False
        is_ours = generation <= turn.generation
        if not is_ours:
            turn.writes += 1
        return is_ours

    def writes(self, key: DatabaseKey) -> int:
        """A count that differs where the policy may: to be had before it is read. It begins anew after `forget`."""
        return self._turns.setdefault(key, _Turn()).writes

    def forget(self, key: DatabaseKey) -> None:
        """The database is gone."""
        self._turns.pop(key, None)
