"""One kopf operator in a thread and an event loop of its own.

kopf takes its loop for its own: it handles the process's signals, and when it ends it cancels every task that began
after it did. In a thread it does neither to us.

kopf ends as a whole when one of its watches cannot go on, but its way out may last for ever: other watches wait for
credentials that nobody fetches any more. So the first of its tasks that ends counts, not the last.
"""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Collection
from typing import Any

import kopf

from keyward_operator.errors import OperatorError

STOP_DEADLINE = 5.0
"""Seconds that kopf has to end; then it is left behind, for the process ends as well."""

KopfTasks = Collection["asyncio.Task[Any]"]
Spawn = Callable[["KopfThread"], Awaitable[KopfTasks]]
"""Starts a kopf operator, which is given the thread's flags."""


class WatchesEndedError(OperatorError):
    """kopf cannot go on watching: the process should end and be started again."""


class KopfThread:
    """Runs one kopf operator."""

    def __init__(self, name: str, spawn: Spawn) -> None:
        self._name = name
        self._spawn = spawn
        self.ready = threading.Event()
        """Set by kopf when its watches begin."""

        self.stop = threading.Event()
        """Tells kopf to end."""

    async def run(self) -> None:
        """Run until cancelled; WatchesEndedError where kopf ends by itself."""
        loop = asyncio.get_running_loop()
        failed: asyncio.Future[BaseException | None] = loop.create_future()
        ended: asyncio.Future[None] = loop.create_future()

        def tell(future: "asyncio.Future[Any]", value: object) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(_settle, future, value)

        def body() -> None:
            try:
                asyncio.run(self._operate(lambda error: tell(failed, error)))
            finally:
                tell(ended, None)

        threading.Thread(target=body, name=self._name, daemon=True).start()
        try:
            error = await failed
        finally:
            self.stop.set()
            await asyncio.wait([ended], timeout=STOP_DEADLINE)
        raise WatchesEndedError(f"{self._name} ended: {error!r}") from error

    async def _operate(self, tell: Callable[[BaseException | None], None]) -> None:
        own = asyncio.all_tasks()
        try:
            tasks = await self._spawn(self)
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        except Exception as error:  # it did not even start: told where the thread is waited for
            tell(error)
            return
        tell(next((task.exception() for task in done if not task.cancelled()), None))
        # A thread of kopf's loop waits for this flag, and the loop does not end before its threads do.
        self.stop.set()
        with contextlib.suppress(Exception):  # it raises again what was just told
            await kopf.run_tasks(tasks, ignored=own)


def _settle(future: "asyncio.Future[Any]", value: object) -> None:
    if not future.done():
        future.set_result(value)
