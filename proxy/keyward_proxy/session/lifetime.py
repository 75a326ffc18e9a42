"""When a session ends by itself: its credentials or its proof of identity end, it is old enough, or nobody uses it.

Only statements count as use; drivers' heartbeats do not. The deadline is not moved at each statement, which would set a
timer for each: when it comes, it is seen whether there was use in between.
"""

from __future__ import annotations

from math import inf

from keyward_api.resources.role import MAXIMUM_SESSION_SECONDS, RoleOptions
from keyward_proxy.session.ending import Ending
from keyward_proxy.session.settings import EXPIRY_MARGIN_SECONDS


class Lifetime:
    """One session's; times are monotonic seconds unless they say otherwise."""

    def __init__(self, options: RoleOptions, *, proof_ends: float, now: float, wall: float) -> None:
        """`proof_ends` in Unix seconds: when credentials or proof of identity end, whichever is first."""
        own = wall + (options.max_session_seconds or MAXIMUM_SESSION_SECONDS)
        self.ends = min(proof_ends, own)
        """Unix seconds at which the session must be over."""

        left = self.ends - wall
        self._expires_at = now + max(0.0, left - min(EXPIRY_MARGIN_SECONDS, left / 10))
        self._idle_seconds = options.idle_timeout_seconds or inf
        self.used_at = now
        """When a statement last came or was answered."""

        self.deadline = min(self._expires_at, now + self._idle_seconds)
        """When `look` is due."""

    def used(self, now: float) -> None:
        """A statement came or was answered."""
        self.used_at = now

    def look(self, *, now: float, in_use: bool) -> Ending | None:
        """Why the session ends now, or None after moving the deadline. `in_use`: statements are under way."""
        if now >= self._expires_at:
            return Ending.at_quiet_moment(
                reason="Expired", message="the session's time is over: connect again", now=now
            )
        if in_use:
            self.used_at = now
        if now >= self.used_at + self._idle_seconds:
            message = f"no statement came for {self._idle_seconds:g} s: connect again"
            return Ending.at_quiet_moment(reason="IdleTimeout", message=message, now=now)
        self.deadline = min(self._expires_at, self.used_at + self._idle_seconds)
        return None
