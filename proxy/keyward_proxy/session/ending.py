"""How a session that should end gets there.

Cause                        | statements still accepted           | then
-----------------------------|-------------------------------------|-----------------------------------------
drain, credentials, proof    | until a quiet moment, at most 12 s  | refused with OVERLOADED, at most 4 s more
the grant changed            | none: refused with OVERLOADED       | closed when all are answered, at most 4 s
grant ended, lock, staleness | none: refused with UNAUTHORIZED     | the same, but a quiet connection waits up
                             |                                     | to 1 s for a request on which to say why

A quiet moment is one behind the last answer under way at which this session's next statement is unlikely to come soon
(`keyward_proxy.session.pace`); the session is observed for 1 s for that. Where it is a little later than the answer,
the answer is held back until then: a client that waits for it sends nothing, and learns of the end together with it;
another one's next statement shows that the moment was not quiet, and sets the answer free. For 2 s a calm moment is
looked for, then a good one, and after 5 s the next answer is the last in any case. Any moment is quiet once no
statement came for 1 s.

CQL has no message that a server may send unasked but events, so the reason travels in the answer to the next request; a
client that sends none learns it when it logs in again. OVERLOADED says that a statement was not run and may be
sent again, which every driver does on the next connection.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from keyward_proxy.session.pace import Pace
from keyward_proxy.session.settings import CLOSE_SECONDS, FAREWELL_SECONDS, QUIET_SECONDS
from keyward_proxy.wire.responses import ErrorCode

OBSERVING_SECONDS = 1.0
CALM_SECONDS = 2.0
HOLDING_SECONDS = 4.0


@dataclass(kw_only=True, slots=True)
class Ending:
    """One way towards the end; its times are monotonic seconds."""

    reason: str
    """One CamelCase word."""

    message: str
    """For the client."""

    code: int
    """With which statements are refused once none are accepted."""

    accepting: bool
    deadline: float
    """When accepting ends, or where nothing is accepted any more, when the session does."""

    pace: Pace = field(default_factory=Pace)
    """Of the session's statements, while accepting."""

    farewell: bool = False
    """Whether the client is to be told before the session ends."""

    @property
    def grantless(self) -> bool:
        """Whether there is no grant any more by which to judge a request, or none that counts."""
        return self.code == ErrorCode.UNAUTHORIZED

    @classmethod
    def at_quiet_moment(cls, *, reason: str, message: str, now: float) -> Ending:
        """An end that can wait a little."""
        return cls(
            reason=reason,
            message=message,
            code=ErrorCode.OVERLOADED,
            accepting=True,
            deadline=now + QUIET_SECONDS,
        )

    @classmethod
    def grant_widened(cls, *, now: float) -> Ending:
        """A new login would bring more; nothing is taken away by waiting for a good moment."""
        return cls.at_quiet_moment(reason="GrantChanged", message="your grant changed: connect again", now=now)

    @classmethod
    def grant_narrowed(cls, *, now: float) -> Ending:
        """The client may log in again at once, with the new grant."""
        return cls(
            reason="GrantChanged",
            message="your grant changed: connect again",
            code=ErrorCode.OVERLOADED,
            accepting=False,
            deadline=now + CLOSE_SECONDS,
        )

    @classmethod
    def shut_out(cls, *, reason: str, message: str, now: float) -> Ending:
        """The client may not go on."""
        return cls(
            reason=reason,
            message=message,
            code=ErrorCode.UNAUTHORIZED,
            accepting=False,
            deadline=now + CLOSE_SECONDS,
            farewell=True,
        )

    def outranks(self, other: Ending | None) -> bool:
        """Whether this end is to replace `other`, which was begun before."""
        return other is None or (self.farewell, not self.accepting) > (other.farewell, not other.accepting)

    def stop_accepting(self, *, now: float) -> None:
        """No quiet moment came."""
        self.accepting = False
        self.deadline = now + CLOSE_SECONDS

    def hold(self, *, now: float) -> float | None:
        """For how long no statement must come now, so that the moment is a quiet one; None: it is none."""
        observed = QUIET_SECONDS - (self.deadline - now) - OBSERVING_SECONDS
        if observed < 0:
            return None
        if observed >= HOLDING_SECONDS:
            return 0.0
        return self.pace.hold(now=now, calm=observed < CALM_SECONDS)

    def waits_for_farewell(self, *, now: float) -> bool:
        """Whether a quiet session is to stay open for a request on which the client can be told."""
        if not self.farewell:
            return False
        self.deadline = min(self.deadline, now + FAREWELL_SECONDS)
        return now < self.deadline
