"""When a pod that the identity webhook missed may be replaced: soon at first, more seldom if that does not help."""

import time
from collections.abc import Callable

from keyward_operator.keys import DatabaseKey
from keyward_operator.queue.backoff import Backoff

FIRST = 2.0
"""Seconds between the first two replacements for a database."""

SELDOM = 600.0
"""Seconds between two at most."""


class Replacements:
    """Spaces out the replacements of each database's pods."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._backoff = Backoff(base=FIRST, limit=SELDOM)
        self._due: dict[DatabaseKey, float] = {}

    def due(self, key: DatabaseKey) -> bool:
        """Whether a pod may be replaced now."""
        return self._clock() >= self._due.get(key, 0.0)

    def replaced(self, key: DatabaseKey) -> None:
        """A pod was replaced."""
        self._due[key] = self._clock() + self._backoff.next(key)

    def settled(self, key: DatabaseKey) -> None:
        """No pod lacks its identity: the next one that does is replaced at once."""
        self._backoff.forget(key)
        self._due.pop(key, None)
