"""When a session may end with the least risk that a statement is on its way: what its pace so far tells.

What a client sends while the end of its connection travels to it is lost. Where statements come one by one, the best
moment is right behind an answer that came soon, when the next statement is furthest away. Where they come in bursts, it
is once a burst is over. In neither case is it while the client, or the machine, is held up: then it has more to send
than it has sent, and a silence means nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque

TRAVEL_SECONDS = 0.01
"""How long the end takes to a client, and until a busy one has looked at it."""

LONGEST_HOLD_SECONDS = 0.064
"""By so much is an answer delayed at most."""

_REMEMBERED = 256
_FEWEST = 8
"""Statements from which a pace can be told."""

_RECENT = 4
_RECENT_IF_CALM = 10
_TOLERANCE = 0.2
_MARGIN_SECONDS = 0.001
"""A silence counts as passed so much later: no two in a burst are alike."""

_OFTEN = 0.05
"""Of silences: rarer ones are no pauses between bursts, but a machine that was held up."""

_SMALL_RISK = 0.05
_PAUSE_FACTOR = 4
"""So much longer than what is asked for are pauses between bursts, or the statements come one by one."""


class Pace:
    """Statements of one session, as they come."""

    def __init__(self) -> None:
        self._arrived: float | None = None
        self._gaps: deque[float] = deque(maxlen=_REMEMBERED)
        """Seconds from one statement to the next."""

        self._lulls: deque[float] = deque(maxlen=_REMEMBERED)
        """Seconds without a statement under way."""

    def statement(self, *, now: float, lull: float | None) -> None:
        """One came, after `lull` seconds without any under way; None: others are."""
        if self._arrived is not None:
            self._gaps.append(now - self._arrived)
        self._arrived = now
        if lull is not None:
            self._lulls.append(lull)

    def hold(self, *, now: float, calm: bool) -> float | None:
        """For how long no statement must come behind the answer of now, for the session to end; None: not behind it.

        `calm` asks for more where statements come one by one: that neither client nor machine is busy.
        """
        if self._arrived is None or self._is_far(now - self._arrived, calm=calm):
            return 0.0
        return self._end_of_burst()

    def _is_far(self, since: float, *, calm: bool) -> bool:
        """Whether the next statement is far from coming: the last came in time, the next is not due for longer."""
        if len(self._gaps) < _FEWEST:
            return False
        gaps = sorted(self._gaps)
        least, most = (gaps[len(gaps) * tenths // 10] for tenths in (1, 9))
        if calm:
            return since <= least / 4 and all(_is_multiple(gap, least) for gap in list(self._gaps)[-_RECENT_IF_CALM:])
        recent = list(self._gaps)[-_RECENT:]
        return since <= least / 2 and least / 2 <= min(recent) and max(recent) <= 2 * most

    def _end_of_burst(self) -> float | None:
        lulls = sorted(self._lulls)
        if len(lulls) < _FEWEST:
            return None
        found, least = None, _SMALL_RISK
        for hold in (lull + _MARGIN_SECONDS for lull in lulls):
            passed = bisect_right(lulls, hold)
            longer = len(lulls) - passed
            if longer < _OFTEN * len(lulls) or hold > LONGEST_HOLD_SECONDS:
                break
            risk = (bisect_right(lulls, hold + TRAVEL_SECONDS) - passed) / longer
            pause = lulls[passed + longer // 2]
            if risk < least and pause >= _PAUSE_FACTOR * hold:
                found, least = hold, risk
        return found


def _is_multiple(gap: float, unit: float) -> bool:
    """A driver that spreads its statements over connections at random leaves gaps of one, two or more units."""
    times = gap / unit
    return round(times) >= 1 and abs(times - round(times)) <= _TOLERANCE
