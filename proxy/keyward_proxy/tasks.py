"""Tasks that outlive the function that started them, held until they end.

asyncio keeps only weak references to tasks, and loses the exception of a task nobody awaits. A holder keeps
both: a task that fails is logged under its name, and `close` cancels what still runs and waits for it.
A `TaskGroup` would be wrong here: one client's failure must not cancel every other client.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from functools import partial
from typing import Any

logger = logging.getLogger(__name__)


class TaskHolder:
    """Starts tasks, logs those that fail, and ends the rest."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def start(
        self, coroutine: Coroutine[Any, Any, Any], *, name: str, expected: type[Exception] | None = None
    ) -> asyncio.Task[Any]:
        """Run the coroutine; its result is dropped, its exception is logged under `name`.

        Not so an `expected` one, which those who wait for the task tell of.
        """
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, expected or ()))
        return task

    def _ended(self, expected: type[Exception] | tuple[()], task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        if not isinstance(error, expected):
            logger.error("task failed", extra={"task": task.get_name()}, exc_info=error)

    async def close(self) -> None:
        """Cancel every task and wait until all of them have ended."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
