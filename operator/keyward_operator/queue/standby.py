"""What a standby hears. Of most of it the leader has taken care long ago, and it is forgotten.

What was heard of late may be what the leader died over: whoever takes over begins with it. All else the resync finds
that a new leader begins with as well.
"""

import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Standby(Generic[K]):
    """The keys that were heard, by when they were heard last."""

    def __init__(self, *, memory: float, clock: Callable[[], float] = time.monotonic) -> None:
        """`memory` is in seconds: longer than a leader may be gone before somebody takes over."""
        self._memory = memory
        self._clock = clock
        self._heard: dict[K, float] = {}

    def heard(self, key: K) -> None:
        """Something happened to `key`."""
        now = self._clock()
        self._heard.pop(key, None)
        self._heard[key] = now
        while now - self._heard[oldest := next(iter(self._heard))] > self._memory:
            del self._heard[oldest]

    def take(self) -> list[K]:
        """The keys that were heard of late; they are forgotten then.

        Newest first: what was heard before the leader died, it most likely took care of.
        """
        since = self._clock() - self._memory
        recent = [key for key, when in reversed(self._heard.items()) if when >= since]
        self._heard.clear()
        return recent
