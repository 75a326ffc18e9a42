"""How a session after its login ends, and what every part of it needs for that: what is under way, and who is told.

An end is begun (`Ending`) by a policy, a drain, a deadline or a closed side, and comes when what was accepted is
answered. Each way through the relay ends in `_settled`, which hands over all commands so far and sees whether the
session is over.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import inf

from keyward_api.decision import GrantError, narrows
from keyward_proxy.session.answers import Answers
from keyward_proxy.session.audit import AuditTrail
from keyward_proxy.session.barrier import Barrier
from keyward_proxy.session.commands import Command, PauseClient, RecordAudit, ToClient, ToUpstream
from keyward_proxy.session.context import Caller, SessionContext
from keyward_proxy.session.ending import Ending
from keyward_proxy.session.events import (
    ClientClosed,
    ClusterChanged,
    Drain,
    Event,
    PolicyChanged,
    PolicyOutdated,
    UpstreamClosed,
)
from keyward_proxy.session.judge import Judge, Refused
from keyward_proxy.session.lifetime import Lifetime
from keyward_proxy.session.outbox import Outbox
from keyward_proxy.session.phase import Phase
from keyward_proxy.session.prepared import PreparedStatements
from keyward_proxy.session.reading import RequestReader
from keyward_proxy.session.registrations import Registrations
from keyward_proxy.session.request import Request
from keyward_proxy.session.settings import IDLE_SECONDS
from keyward_proxy.session.staleness import REASON as STALE
from keyward_proxy.wire.errors import WireError
from keyward_proxy.wire.responses import ErrorCode
from keyward_proxy.wire.scanner import Frame


class Closing(Phase):
    """The part of the relay that ends it."""

    def __init__(
        self,
        context: SessionContext,
        trail: AuditTrail,
        caller: Caller,
        *,
        proof_ends: float,
        now: float,
        wall: float,
    ) -> None:
        """`proof_ends` in Unix seconds: when credentials or proof of identity end, whichever is first."""
        self._context = context
        self._trail = trail
        self._caller = caller
        self._judge = Judge(context, caller)
        self._to_client = Outbox(ToClient)
        self._to_upstream = Outbox(ToUpstream)
        self._prepared = PreparedStatements(context.shared.prepared)
        self._reader = RequestReader(readings=context.shared.readings, prepared=self._prepared)
        self._registrations = Registrations(context, caller)
        self._answers = Answers(
            version=context.version,
            maximum_body=context.policy.database.limits.max_frame_bytes,
            prepared=self._prepared,
            registrations=self._registrations,
            to_client=self._to_client,
        )
        self._barrier = Barrier()
        self._using = False
        """Whether a USE or a DESCRIBE is under way."""

        self._client_gone = False
        self._ending: Ending | None = None
        self._lifetime = Lifetime(caller.grant.options, proof_ends=proof_ends, now=now, wall=wall)
        self._pause_until = now
        """When the client may be read again, by the database's limit of requests."""

        self._began = now
        self._from_client = 0
        self._held_until: float | None = None
        """Until when the answer behind which the session may end is held back."""

        self._told = context.cluster
        """The nodes of which the client knows."""

        self._commands: list[Command] = []
        """Audit records first, then what ends the session; sent bytes are in the outboxes."""

        self.deadline = self._lifetime.deadline

    def started(self, event: Event) -> RecordAudit:
        """The record of the login."""
        return self._trail.started(
            event, grant=self._caller.grant.hash, revision=self._context.policy.revision, expires=self._lifetime.ends
        )

    def on_violation(self, error: WireError, event: Event) -> Iterable[Command]:
        """Say what is wrong, and close."""
        self._send_error(error.stream, Refused(code=ErrorCode.PROTOCOL_ERROR, message=str(error)))
        return self._ended("ProtocolError", f"the client broke the protocol: {error}", event)

    def on_client_closed(self, event: ClientClosed) -> Iterable[Command]:
        """Nobody is left to answer."""
        self._client_gone = True
        return self._ended("ClientClosed", event.reason, event)

    def on_upstream_closed(self, event: UpstreamClosed) -> Iterable[Command]:
        """What was in flight may or may not have been done."""
        return self._ended("UpstreamClosed", f"the connection to Amazon Keyspaces ended: {event.reason}", event)

    def on_policy_changed(self, event: PolicyChanged) -> Iterable[Command]:
        """Judge the session by its grant as it is now.

        A lock ends it, whatever the grant is. Where the grant is the same, nothing happens. A wider one is worth a new
        login, but not an interruption: until a quiet moment the session goes on under the old one, which IAM knows.
        Whatever may be narrower is in force at once, and nothing more is sent to Keyspaces, where IAM still knows the
        session by the old one.
        """
        self._context.requests.maximum_body = event.policy.database.limits.max_frame_bytes
        caller = self._caller
        try:
            grant = event.policy.grant_for(caller.identity, caller.grant.db_user)
        except GrantError as error:
            return self._shut_out("GrantEnded", f"your access ended: {error}", event)
        locked = self._context.locked(caller.identity, grant)
        if locked:
            return self._shut_out("Locked", locked, event)
        if grant.hash == caller.grant.hash:
            return ()
        if not narrows(caller.grant, grant):
            return self._begin(Ending.grant_widened(now=event.now), event)
        self._caller = replace(caller, grant=grant)
        self._outdate_description()
        self._judge.use(self._caller)
        self._registrations.use(self._caller)
        return self._begin(Ending.grant_narrowed(now=event.now), event)

    def on_policy_outdated(self, event: PolicyOutdated) -> Iterable[Command]:
        """End as if the grant had ended."""
        return self._shut_out(STALE, event.message, event)

    def _shut_out(self, reason: str, message: str, event: Event) -> Iterable[Command]:
        self._outdate_description()
        return self._begin(Ending.shut_out(reason=reason, message=message, now=event.now), event)

    def _outdate_description(self) -> None:
        if self._answers.describing:
            self._answers.describing.outdated = True

    def on_cluster_changed(self, event: ClusterChanged) -> Iterable[Command]:
        """Tell a client that wants to know."""
        return self._settled(event)

    def on_drain(self, event: Drain) -> Iterable[Command]:
        """End at the first quiet moment."""
        return self._begin(Ending.at_quiet_moment(reason="Drained", message=event.reason, now=event.now), event)

    def on_deadline(self, event: Event) -> Iterable[Command]:
        """Credentials end soon, or an ending or a DESCRIBE has waited long enough."""
        if self._answers.describing and event.now >= self._answers.describing.deadline:
            return self._ended("DescribeTimeout", "the schema was not described in time: connect again", event)
        if self._ending is None:
            ending = self._lifetime.look(now=event.now, in_use=not self._is_quiet)
            return self._begin(ending, event) if ending else self._settled(event)
        if self._ending.accepting and event.now >= self._ending.deadline:
            self._ending.stop_accepting(now=event.now)
            self._refuse_held(self._farewell(self._ending), event)
            return self._settled(event)
        if self._ending.accepting:
            return self._settled(event)
        return self._ended(self._ending.reason, self._ending.message, event)

    def _deny(self, request: Request, refused: Refused, event: Event) -> None:
        request.outcome, request.error_code, request.answered_here = "denied", refused.code, True
        request.response_bytes = self._send_error(request.stream, refused)
        self._record(request, event)

    def _send_error(self, stream: int, refused: Refused) -> int:
        if self._client_gone:
            return 0
        error = self._context.error(stream, refused.code, refused.message, refused.extra)
        self._to_client.send(error)
        return len(error.data)

    def _record(self, request: Request, event: Event) -> None:
        self._commands.append(self._trail.statement(event, request))

    def _refuse_held(self, refused: Refused, event: Event) -> None:
        while self._barrier:
            held = self._barrier.take()
            self._refuse_unread(held.frame, held.received, refused, event)

    def _refuse_unread(self, frame: Frame, received: float, refused: Refused, event: Event) -> None:
        request = Request.of(frame, now=received)
        self._deny(request, self._judge.refuse(request, refused), event)

    def _farewell(self, ending: Ending) -> Refused:
        ending.farewell = False
        return Refused(code=ending.code, message=ending.message)

    @property
    def _is_quiet(self) -> bool:
        answers = self._answers
        return not answers.in_flight and answers.registering is None and not self._barrier

    def _begin(self, ending: Ending, event: Event) -> Iterable[Command]:
        if ending.outranks(self._ending):
            self._ending = ending
            if self._barrier and not ending.accepting:
                self._refuse_held(self._farewell(ending), event)
        return self._settled(event)

    def _settled(self, event: Event) -> Iterable[Command]:
        """All commands so far; ends a session that waits only for quiet."""
        ending = self._ending
        self.deadline = ending.deadline if ending else self._lifetime.deadline
        if ending is None or not self._is_quiet:
            self._held_until = None
        elif self._may_end(ending, event):
            return self._ended(ending.reason, ending.message, event)
        if self._answers.describing:
            self.deadline = min(self.deadline, self._answers.describing.deadline)
        commands = self._flush()
        if self._pause_until > event.now:
            commands.append(PauseClient(until=self._pause_until))
        return commands

    def _may_end(self, ending: Ending, event: Event) -> bool:
        """Whether the moment is quiet enough; sets the time at which to look again."""
        if not ending.accepting:
            waits = ending.waits_for_farewell(now=event.now)
            self.deadline = ending.deadline
            return not waits
        if self._held_until is None and self._commands:
            hold = ending.hold(now=event.now)
            self._held_until = None if hold is None else event.now + hold
        quiet_at = min(self._lifetime.used_at + IDLE_SECONDS, self._held_until or inf)
        self.deadline = min(ending.deadline, quiet_at)
        return event.now >= quiet_at

    def _ended(self, reason: str, message: str, event: Event) -> Iterable[Command]:
        """End now: what is in flight is lost, what is held was never run."""
        lost = Refused(
            code=ErrorCode.SERVER_ERROR,
            message=f"{message}; no answer came, so the statement may or may not have been run",
        )
        for request in list(self._answers.in_flight.values()):
            request.outcome = "lost"
            self._send_error(request.stream, lost)
            self._record(request, event)
        self._held_until = None
        self._prepared.clear()
        if self._answers.describing:
            self._context.shared.describing.discard(self._answers.describing)
        unrun = Refused(code=ErrorCode.OVERLOADED, message=f"{message}; the statement was not run")
        self._refuse_held(unrun, event)
        commands = self._flush()
        commands.append(
            self._trail.ended(
                event,
                reason=reason,
                message=message,
                seconds=event.now - self._began,
                from_client=self._from_client,
                to_client=self._to_client.bytes_sent,
            )
        )
        return [*commands, *self._context.close(f"{reason}: {message}")]

    def _flush(self) -> list[Command]:
        cluster = self._context.cluster
        if self._told is not cluster and not self._answers.partly_sent:
            for event in self._registrations.changes(self._told, cluster):
                self._to_client.send(event)
            self._told = cluster
        commands, self._commands = self._commands, []
        commands += self._to_upstream.flush()
        return commands if self._held_until else [*commands, *self._to_client.flush()]
