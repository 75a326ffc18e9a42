"""Whether a new agent may call itself ready: it waits until the list of agents holds it, but not for ever."""

from __future__ import annotations

import logging

from keyward_proxy.clock import Clock

logger = logging.getLogger(__name__)


class Listing:
    """Over once and for all: an agent that was listed stays ready whatever becomes of the list."""

    def __init__(self, *, clock: Clock, patience: float) -> None:
        """`patience` in seconds, from the first time that is asked."""
        self._clock = clock
        self._patience = patience
        self._began: float | None = None
        self._over = False

    def is_over(self, *, listed: bool) -> bool:
        """Whether there is nothing to wait for, given that the agent is listed now or not."""
        if self._over:
            return True
        now = self._clock.monotonic()
        self._began = now if self._began is None else self._began
        if listed:
            self._over = True
        elif now - self._began >= self._patience:
            logger.warning("agent ready although it is not listed", extra={"waited": self._patience})
            self._over = True
        return self._over
