"""A queue of keys: each at most once in it, each in at most one worker's hands.

A key that is added while a worker has it comes back when the worker is done: what happened meanwhile is seen. A key
that is added again with a higher priority moves up. Delays run on the event loop's clock; of several the soonest
counts. Everything happens in one event loop, so nothing here is locked.
Of one priority, namespaces take turns (`namespace` of a key): a tenant with a thousand keys does not make another's
wait for all of them.
"""

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable, Hashable, Iterable
from enum import IntEnum
from typing import Generic, Protocol, TypeVar

from keyward_operator.errors import QueueClosedError
from keyward_operator.queue.turns import Turns

K = TypeVar("K", bound=Hashable)
K_contra = TypeVar("K_contra", contravariant=True)


class Priority(IntEnum):
    """What is taken first."""

    NORMAL = 0
    """Something happened."""

    LOW = 1
    """Nothing happened that anybody waits for: a resync, what a status tells of a policy."""


SHARE = 5
"""Of so many keys that are taken one is of the lower priority, if there is one: nothing keeps it away for ever."""

_Place = tuple[Priority, int, int]
"""Of two keys of one priority that with the smaller place is taken first: by turn and order."""


class Inlet(Protocol[K_contra]):
    """Where keys are put in."""

    def add(self, key: K_contra, priority: Priority = Priority.NORMAL) -> None:
        """Have `key` worked on."""

    def add_after(self, key: K_contra, delay: float, priority: Priority = Priority.NORMAL) -> None:
        """Have `key` worked on in `delay` seconds, or sooner if it was so delayed before."""


class WorkQueue(Generic[K]):
    """The queue."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heaps: dict[Priority, list[tuple[_Place, K]]] = {priority: [] for priority in Priority}
        self._taken = 0
        self._waiting: dict[K, _Place] = {}
        self._turns = {priority: Turns() for priority in Priority}
        self._since: dict[K, float] = {}
        self._active: set[K] = set()
        self._again: dict[K, Priority] = {}
        self._delayed: dict[K, asyncio.TimerHandle] = {}
        self._order = itertools.count()
        self._changed = asyncio.Event()
        self._closed = False

    def __len__(self) -> int:
        """Keys that wait for a worker now; neither those that workers have nor delayed ones."""
        return len(self._waiting)

    def active(self) -> int:
        """Keys that workers have."""
        return len(self._active)

    def age(self) -> float:
        """Seconds that the key has waited for a worker that waits longest; 0 where none waits."""
        return self._clock() - min(self._since.values()) if self._since else 0.0

    def add(self, key: K, priority: Priority = Priority.NORMAL) -> None:
        """Have `key` worked on."""
        if key in self._active:
            self._again[key] = min(priority, self._again.get(key, priority))
            return
        if key in self._waiting and self._waiting[key][0] <= priority:
            return
        place = (priority, self._turns[priority].next(getattr(key, "namespace", key)), next(self._order))
        self._waiting[key] = place
        self._since.setdefault(key, self._clock())
        heapq.heappush(self._heaps[priority], (place, key))
        self._changed.set()

    def add_after(self, key: K, delay: float, priority: Priority = Priority.NORMAL) -> None:
        """Have `key` worked on in `delay` seconds, or sooner if it was so delayed before."""
        if delay <= 0:
            self.add(key, priority)
            return
        loop = asyncio.get_running_loop()
        due = loop.time() + delay
        known = self._delayed.get(key)
        if known is not None and known.when() <= due:
            return
        if known is not None:
            known.cancel()
        self._delayed[key] = loop.call_at(due, self._arrive, key, priority)

    async def get(self) -> K:
        """The next key, to be given back by `done`. Raises QueueClosedError once the queue is closed."""
        while True:
            if self._closed:
                raise QueueClosedError("the work queue is closed")
            for priority in self._priorities():
                key = self._take(priority)
                if key is not None:
                    return key
            self._changed.clear()
            await self._changed.wait()

    def _priorities(self) -> Iterable[Priority]:
        """In which order to look for a key."""
        return reversed(Priority) if (self._taken + 1) % SHARE == 0 else Priority

    def _take(self, priority: Priority) -> K | None:
        heap = self._heaps[priority]
        while heap:
            place, key = heapq.heappop(heap)
            if self._waiting.get(key) == place:  # else it moved up since
                del self._waiting[key], self._since[key]
                self._turns[priority].reached(place[1])
                self._active.add(key)
                self._taken += 1
                return key
        return None

    def done(self, key: K) -> None:
        """The worker is done with `key`."""
        self._active.discard(key)
        if key in self._again:
            self.add(key, self._again.pop(key))

    def close(self) -> None:
        """Give out no more keys, and wake who waits for one."""
        self._closed = True
        self._changed.set()
        for handle in self._delayed.values():
            handle.cancel()
        self._delayed.clear()

    def _arrive(self, key: K, priority: Priority) -> None:
        del self._delayed[key]
        self.add(key, priority)
