"""Turns at work that takes long, such as the steps of TLS handshakes: few in each turn of the event loop.

A step with a signature costs about as much as the relay of a hundred requests. A thousand clients that connect at once
would hold up every session for a second, were all of them served in one turn of the loop. Addresses take turns among
themselves, so that a client alone does not wait behind a thousand of another address.
"""

from __future__ import annotations

import asyncio
from collections import deque

AT_ONCE = 4
"""Steps in one turn of the loop: some milliseconds."""


class Turns:
    """Who waits for a turn, by address. Belongs to one event loop."""

    def __init__(self, *, at_once: int = AT_ONCE) -> None:
        self._at_once = at_once
        self._queues: dict[str, deque[asyncio.Future[None]]] = {}
        """The address whose turn is next comes first."""

        self._called = False

    async def take(self, source: str) -> None:
        """Wait for a turn; the work is to be done at once then, before anything is awaited."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(source, deque()).append(turn)
        self._call()
        await turn

    def _call(self) -> None:
        if self._queues and not self._called:
            self._called = True
            asyncio.get_running_loop().call_soon(self._give)

    def _give(self) -> None:
        self._called = False
        given = 0
        while self._queues and given < self._at_once:
            source = next(iter(self._queues))
            queue = self._queues.pop(source)
            turn = queue.popleft()
            if queue:
                self._queues[source] = queue
            if not turn.done():  # Who waited may have been cancelled.
                turn.set_result(None)
                given += 1
        self._call()
