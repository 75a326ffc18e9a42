"""Statements a second that one agent passes on to its database, over all of its sessions.

A bucket that fills at the agent's share of `limits.requestsPerSecond`. Who finds it empty goes into debt: the statement
goes ahead, and its client is not read until the debt is paid, which slows every client down to what is allowed
without an error. Where the debt would take too long, because many clients come at once, the statement is refused.
"""

from __future__ import annotations

BURST_SECONDS = 1.0
"""What may be saved up."""

LONGEST_DEBT_SECONDS = 2.0
"""Drivers give up a statement after 2 s (Java) to 12 s (Python, Node), and a heartbeat behind it likewise."""


class RequestBudget:
    """One agent's budget; times are monotonic seconds."""

    def __init__(self) -> None:
        self.rate: float | None = None
        """Statements a second; None: any number."""

        self._tokens = 0.0
        self._filled = 0.0

    def allow(self, rate: float | None, *, now: float) -> None:
        """From now on so many statements a second; None: any number."""
        if rate != self.rate:
            self.rate, self._filled = rate, now
            self._tokens = (rate or 0.0) * BURST_SECONDS

    def take(self, now: float) -> float | None:
        """For how many seconds the client is not to be read after this statement; None if the statement is refused."""
        rate = self.rate
        if rate is None:
            return 0.0
        self._tokens = min(rate * BURST_SECONDS, self._tokens + rate * (now - self._filled))
        self._filled = now
        if self._tokens < 1.0 - rate * LONGEST_DEBT_SECONDS:
            return None
        self._tokens -= 1.0
        return max(0.0, -self._tokens / rate)
