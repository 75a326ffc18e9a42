"""A token bucket: so many at once, so many a second after that."""

from __future__ import annotations

from keyward_proxy.clock import Clock


class TokenBucket:
    """Limits how often something is done."""

    def __init__(self, *, rate: float, burst: float, clock: Clock) -> None:
        """`rate` is per second."""
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._level = burst
        self._at = clock.monotonic()

    def take(self) -> bool:
        """Whether it may be done now; if so, it counts."""
        now = self._clock.monotonic()
        self._level = min(self._burst, self._level + (now - self._at) * self._rate)
        self._at = now
        if self._level < 1:
            return False
        self._level -= 1
        return True
