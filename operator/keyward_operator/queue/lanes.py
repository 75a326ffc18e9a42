"""Several work queues that look like one: keys of one lane never wait for those of another.

Each lane has workers of its own: few where they wait for a service that limits the rate of calls.
"""

import asyncio
from collections.abc import Callable, Collection, Hashable, Mapping
from typing import Generic, TypeVar

from keyward_operator.queue.work_queue import Priority, WorkQueue
from keyward_operator.queue.workers import Reconcile, Workers

K = TypeVar("K", bound=Hashable)
L = TypeVar("L", bound=Hashable)


class Lanes(Generic[K, L]):
    """The lanes."""

    def __init__(self, lanes: Collection[L], lane_of: Callable[[K], L]) -> None:
        self._lane_of = lane_of
        self.lanes: Mapping[L, WorkQueue[K]] = {lane: WorkQueue() for lane in lanes}
        """The queues."""

    def add(self, key: K, priority: Priority = Priority.NORMAL) -> None:
        """Have `key` worked on."""
        self._queue(key).add(key, priority)

    def add_after(self, key: K, delay: float, priority: Priority = Priority.NORMAL) -> None:
        """Have `key` worked on in `delay` seconds, or sooner if it was so delayed before."""
        self._queue(key).add_after(key, delay, priority)

    def close(self) -> None:
        """Give out no more keys."""
        for queue in self.lanes.values():
            queue.close()

    async def work(self, reconcile: Reconcile[K], workers: Mapping[L, int]) -> None:
        """Run so many workers of each lane until the queues are closed; each finishes what it has begun."""
        async with asyncio.TaskGroup() as group:
            for lane, number in workers.items():
                group.create_task(Workers(self.lanes[lane], reconcile).run(number))

    def _queue(self, key: K) -> WorkQueue[K]:
        return self.lanes[self._lane_of(key)]
