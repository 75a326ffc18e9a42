"""The two clocks that the agent reads, behind one type so that tests can turn them."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Where the time comes from."""

    def monotonic(self) -> float:
        """Seconds that never go back; deadlines and latencies are measured with it. Equals the loop's time."""

    def wall(self) -> float:
        """Unix seconds; expiries and records are told in it."""


class SystemClock:
    """The machine's clocks."""

    def monotonic(self) -> float:
        """See `Clock.monotonic`; asyncio's own loops count with the same clock."""
        return time.monotonic()

    def wall(self) -> float:
        """See `Clock.wall`."""
        return time.time()
