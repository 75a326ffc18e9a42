"""One kopf operator in a thread and an event loop of its own.

kopf takes its loop for its own: it handles the process's signals, and when it ends it cancels every task that began
after it did. In a thread it does neither to us.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from keyward_operator.errors import OperatorError

STOP_DEADLINE = 5.0
"""Seconds that kopf has to end; then it is left behind, for the process ends as well."""


class WatchesEndedError(OperatorError):
    """kopf cannot go on watching: the process should end and be started again."""


class KopfThread:
    """Runs one kopf operator."""

    def __init__(self, name: str, operator: Callable[["KopfThread"], Coroutine[Any, Any, None]]) -> None:
        """`operator` is given this object, for its flags."""
        self._name = name
        self._operator = operator
        self.ready = threading.Event()
        """Set by kopf when its watches begin."""

        self.stop = threading.Event()
        """Tells kopf to end."""

    async def run(self) -> None:
        """Run until cancelled; WatchesEndedError where kopf ends by itself."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[BaseException | None] = loop.create_future()

        def body() -> None:
            error: BaseException | None = None
            try:
                asyncio.run(self._operator(self))
            except BaseException as caught:  # whatever it was: it is told to the loop that waits for it
                error = caught
            if not loop.is_closed():
                loop.call_soon_threadsafe(_settle, ended, error)

        threading.Thread(target=body, name=self._name, daemon=True).start()
        try:
            error = await asyncio.shield(ended)
        finally:
            self.stop.set()
            await asyncio.wait([ended], timeout=STOP_DEADLINE)
        raise WatchesEndedError(f"{self._name} ended: {error!r}") from error


def _settle(future: "asyncio.Future[BaseException | None]", error: BaseException | None) -> None:
    if not future.done():
        future.set_result(error)
