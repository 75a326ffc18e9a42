"""Waiting for a condition, never for a time: each wait has a deadline and says what it saw last."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_PAUSE = 0.1
"""Seconds between two looks; a look is mostly a kubectl process of its own."""


class NotYet(Exception):
    """What a probe raises while its condition does not hold: the text is the state that it saw."""


class DeadlineMissed(AssertionError):
    """The condition did not come true in time."""


def wait_for(what: str, probe: Callable[[], T], *, seconds: float) -> T:
    """Ask `probe` until it returns something true, and return that.

    A probe may raise NotYet to describe what it saw. Raises DeadlineMissed with the last state after `seconds`.
    """
    begin = time.monotonic()
    while True:
        try:
            seen: object = probe()
            if seen:
                return seen  # type: ignore[return-value]  # what the probe returned, and true
        except NotYet as state:
            seen = state
        elapsed = time.monotonic() - begin
        if elapsed > seconds:
            raise DeadlineMissed(f"after {elapsed:.1f} s still waiting for: {what}. Last state: {seen}")
        time.sleep(_PAUSE)
