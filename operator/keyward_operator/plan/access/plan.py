"""Which statuses of a namespace's roles, users and locks change, and when to look again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from keyward_api.names import FieldManager
from keyward_api.reading import read
from keyward_api.resources.lock import KeyspacesLock
from keyward_api.resources.user import KeyspacesUser
from keyward_operator import kinds
from keyward_operator.json_types import Json
from keyward_operator.kinds import Kind, Reference
from keyward_operator.plan import events
from keyward_operator.plan.access import locks, roles, users
from keyward_operator.plan.access.world import AccessWorld
from keyward_operator.plan.owned import status_differs
from keyward_operator.plan.result import Happening
from keyward_operator.plan.verdicts import conditions_of


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusChange:
    """A new status of one object, and what is worth an event about it."""

    reference: Reference
    document: Json
    """Of the object as it was read, what an event about it takes."""

    status: Json
    events: tuple[Happening, ...]

    @classmethod
    def of(cls, reference: Reference, document: Json, *, status: Json, events: tuple[Happening, ...]) -> Self:
        """Without the rest of the object, for what is to be told may wait."""
        metadata = {name: document["metadata"][name] for name in ("namespace", "name", "uid", "resourceVersion")}
        return cls(reference=reference, document={"metadata": metadata}, status=status, events=events)


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """One role, user or lock, as the checks see it now."""

    reference: Reference
    document: Json
    status: Json
    """As it shall be."""

    @property
    def is_told(self) -> bool:
        """Whether its status says so, or it is on its way out and nobody asks any more."""
        leaves = "deletionTimestamp" in self.document["metadata"]
        return leaves or not status_differs(self.document, self.status, FieldManager.ACCESS)


def judge(world: AccessWorld) -> Iterator[Judged]:
    """Every role, user and lock of a namespace."""
    yield from _judge(world, kinds.KEYSPACES_ROLE, world.roles, roles.status_of)
    yield from _judge(world, kinds.KEYSPACES_USER, world.users, users.status_of)
    yield from _judge(world, kinds.KEYSPACES_LOCK, world.locks, locks.status_of)


def changes(world: AccessWorld) -> Iterator[StatusChange]:
    """Statuses that are not as they shall be."""
    for judged in judge(world):
        if not judged.is_told:
            yield StatusChange.of(
                judged.reference,
                judged.document,
                status=judged.status,
                events=events.transitions(conditions_of(judged.document), judged.status["conditions"]),
            )


def next_end(world: AccessWorld) -> datetime | None:
    """When the next grant, user or lock ends, in a policy or not; None where none does."""
    ends = {database.next_end for database in world.databases.values()}
    ends |= {user.spec.expire_time for user, _ in (read(KeyspacesUser, each) for each in world.users) if user}
    ends |= {lock.spec.expire_time for lock, _ in (read(KeyspacesLock, each) for each in world.locks) if lock}
    return min((end for end in ends if end and end > world.now), default=None)


def _judge(
    world: AccessWorld,
    kind: Kind,
    documents: Sequence[Json],
    status_of: Callable[[Json, AccessWorld], Json],
) -> Iterator[Judged]:
    for document in documents:
        metadata = document["metadata"]
        reference = Reference(kind=kind, namespace=metadata["namespace"], name=metadata["name"])
        yield Judged(reference=reference, document=document, status=status_of(document, world))
