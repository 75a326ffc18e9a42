"""When a session may end with the least risk that a statement is on its way: what its silences so far tell.

What a client sends while the end of its connection travels to it is lost. A client that sends at a steady pace is best
left right behind an answer, when its next statement is furthest away; one that sends in bursts, once a burst is over.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque

TRAVEL_SECONDS = 0.01
"""In which no statement should come: how long the end takes to a client, and until a busy one has looked at it."""

LONGEST_HOLD_SECONDS = 0.064
"""By so much is an answer delayed at most."""

_REMEMBERED = 256
_MARGIN_SECONDS = 0.001
"""A silence counts as passed so much later: no two of a burst are alike."""


class Lulls:
    """Silences: seconds from the last answer under way to the next statement."""

    def __init__(self) -> None:
        self._seen: deque[float] = deque(maxlen=_REMEMBERED)

    def add(self, seconds: float) -> None:
        """There was one so long."""
        self._seen.append(seconds)

    def hold(self) -> float:
        """How long to wait behind an answer: of those that went on for longer, the fewest ended shortly after."""
        lulls = sorted(self._seen)
        found, least = 0.0, 1.0
        for hold in (0.0, *(lull + _MARGIN_SECONDS for lull in lulls)):
            passed = bisect_right(lulls, hold)
            if passed == len(lulls) or hold > LONGEST_HOLD_SECONDS:
                break
            risk = (bisect_right(lulls, hold + TRAVEL_SECONDS) - passed) / (len(lulls) - passed)
            if risk < least:
                found, least = hold, risk
        return found
