"""Two work queues that look like one: keys whose work waits for a slow service never keep others waiting.

Each has workers of its own. Those of the slow lane are few, for the service limits the rate of calls.
"""

import asyncio
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from keyward_operator.queue.work_queue import Priority, WorkQueue
from keyward_operator.queue.workers import Reconcile, Workers

K = TypeVar("K", bound=Hashable)


class Lanes(Generic[K]):
    """A fast and a slow lane."""

    def __init__(self, is_slow: Callable[[K], bool]) -> None:
        self._is_slow = is_slow
        self._fast: WorkQueue[K] = WorkQueue()
        self._slow: WorkQueue[K] = WorkQueue()

    def __len__(self) -> int:
        """Keys of both that wait for a worker now."""
        return len(self._fast) + len(self._slow)

    def age(self) -> float:
        """Seconds that the key has waited for a worker that waits longest; 0 where none waits."""
        return max(self._fast.age(), self._slow.age())

    def add(self, key: K, priority: Priority = Priority.NORMAL) -> None:
        """Have `key` worked on."""
        self._lane(key).add(key, priority)

    def add_after(self, key: K, delay: float, priority: Priority = Priority.NORMAL) -> None:
        """Have `key` worked on in `delay` seconds, or sooner if it was so delayed before."""
        self._lane(key).add_after(key, delay, priority)

    def close(self) -> None:
        """Give out no more keys."""
        self._fast.close()
        self._slow.close()

    async def work(self, reconcile: Reconcile[K], *, fast: int, slow: int) -> None:
        """Run so many workers until the queues are closed; each finishes what it has begun."""
        async with asyncio.TaskGroup() as group:
            group.create_task(Workers(self._fast, reconcile).run(fast))
            group.create_task(Workers(self._slow, reconcile).run(slow))

    def _lane(self, key: K) -> WorkQueue[K]:
        return self._slow if self._is_slow(key) else self._fast
