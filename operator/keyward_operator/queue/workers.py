"""Workers: a bounded number of tasks that take keys and reconcile them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from keyward_operator.errors import OperatorError, QueueClosedError
from keyward_operator.queue.backoff import Backoff
from keyward_operator.queue.work_queue import WorkQueue

K = TypeVar("K", bound=Hashable)
Reconcile = Callable[[K], Awaitable[float | None]]
"""Works on a key; returns seconds after which it wants it back, or None. What it raises delays the key."""

logger = logging.getLogger(__name__)


class Workers(Generic[K]):
    """Runs `reconcile` for the keys of a queue."""

    def __init__(self, queue: WorkQueue[K], reconcile: Reconcile[K], *, backoff: Backoff | None = None) -> None:
        self._queue = queue
        self._reconcile = reconcile
        self._backoff = backoff or Backoff()

    async def run(self, number: int) -> None:
        """Run `number` workers until the queue is closed; each finishes what it has begun."""
        async with asyncio.TaskGroup() as group:
            for index in range(number):
                group.create_task(self._work(), name=f"worker {index}")

    async def _work(self) -> None:
        while True:
            try:
                key = await self._queue.get()
            except QueueClosedError:
                return
            try:
                await self._process(key)
            finally:
                self._queue.done(key)

    async def _process(self, key: K) -> None:
        try:
            again = await self._reconcile(key)
        except OperatorError as error:
            self._delay(key, error, expected=True)
        except Exception as error:
            # A defect for one key must not end the others' reconciliation: told with its trace, counted, tried again.
            self._delay(key, error, expected=False)
        else:
            self._backoff.forget(key)
            if again is not None:
                self._queue.add_after(key, again)

    def _delay(self, key: K, error: Exception, *, expected: bool) -> None:
        delay = self._backoff.next(key)
        self._queue.add_after(key, delay)
        logger.warning(
            "reconciling %s failed, tried again in %.1f s: %s",
            key,
            delay,
            error,
            exc_info=None if expected else error,
            extra={"key": key},
        )
