"""The third phase: the client's requests are decided one by one, and what Keyspaces answers is passed back.

Streams pass through: a request that is forwarded keeps its stream id, and nothing of ours is ever sent to Keyspaces in
between, but a REGISTER for changes of schema in the place of the client's own. OPTIONS, other REGISTERs and the tables
of `system_tables` are answered here; Keyspaces' other events would tell addresses past the agent.

USE and DESCRIBE are barriers. DESCRIBE is answered here, from what Keyspaces is asked while nothing else is in
flight. USE is forwarded when nothing is in flight, and nothing is read until it is answered, because what
an unqualified name means depends on the answer. The keyspace in use is what Keyspaces said, never what was asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import inf

from keyward_api.decision import GrantError, narrows
from keyward_api.permissions import StatementForm
from keyward_proxy.cql.statement import Statement
from keyward_proxy.describe.inquiry import Answer, DescriptionError, Inquiry
from keyward_proxy.session.answers import Answers
from keyward_proxy.session.audit import AuditTrail
from keyward_proxy.session.barrier import Barrier
from keyward_proxy.session.commands import Command, PauseClient, RecordAudit, ToClient, ToUpstream
from keyward_proxy.session.context import SUPPORTED, Caller, SessionContext
from keyward_proxy.session.describing import Describing
from keyward_proxy.session.ending import Ending
from keyward_proxy.session.events import (
    ClientClosed,
    ClusterChanged,
    Described,
    DescriptionFailed,
    Drain,
    Event,
    PolicyChanged,
    UpstreamClosed,
)
from keyward_proxy.session.judge import Judge, Refused
from keyward_proxy.session.lifetime import Lifetime
from keyward_proxy.session.outbox import Outbox
from keyward_proxy.session.phase import Phase
from keyward_proxy.session.prepared import PreparedStatements
from keyward_proxy.session.reading import RequestReader
from keyward_proxy.session.registrations import Registrations, UnknownEventType
from keyward_proxy.session.request import Request
from keyward_proxy.session.settings import IDLE_SECONDS
from keyward_proxy.session.system_tables import SystemTableError, SystemTables, is_answered_here
from keyward_proxy.wire.errors import ProtocolViolation, WireError
from keyward_proxy.wire.header import Opcode
from keyward_proxy.wire.requests import read_register, read_values
from keyward_proxy.wire.responses import ErrorCode
from keyward_proxy.wire.scanner import Frame
from keyward_proxy.wire.server_events import EventType, register_frame

_TOO_MANY_WAIT = Refused(
    code=ErrorCode.OVERLOADED,
    message="too many statements wait for a USE or a DESCRIBE to be answered: send this one again later",
)
_TOO_MANY_REQUESTS = Refused(
    code=ErrorCode.OVERLOADED,
    message="the database's limit of requests (`limits.requestsPerSecond`) is reached, and waiting would take "
    "too long; the statement was not run: send it again later",
)
_BARRIERS = frozenset({StatementForm.USE, StatementForm.DESCRIBE})
_STATEMENTS = frozenset({Opcode.QUERY, Opcode.PREPARE, Opcode.EXECUTE, Opcode.BATCH})


class Relay(Phase):
    """Stands between a client that is logged in and Keyspaces."""

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
        self._prepared = PreparedStatements()
        self._reader = RequestReader(readings=context.readings, prepared=self._prepared)
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
        self._lull_until: float | None = None
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

    # What happens.

    def on_frames(self, frames: Sequence[Frame], event: Event) -> Iterable[Command]:
        """Decide each request, in order."""
        for frame in frames:
            try:
                self._frame(frame, event)
            except ProtocolViolation as error:
                error.stream = frame.stream
                return self.on_violation(error, event)
        return self._settled(event)

    def on_violation(self, error: WireError, event: Event) -> Iterable[Command]:
        """Say what is wrong, and close."""
        self._send_error(error.stream, Refused(code=ErrorCode.PROTOCOL_ERROR, message=str(error)))
        return self._ended("ProtocolError", f"the client broke the protocol: {error}", event)

    def on_client_closed(self, event: ClientClosed) -> Iterable[Command]:
        """Nobody is left to answer."""
        self._client_gone = True
        return self._ended("ClientClosed", event.reason, event)

    def on_upstream_data(self, data: bytes, event: Event) -> Iterable[Command]:
        """Pass answers on."""
        try:
            for request in self._answers.feed(data):
                self._lifetime.used(event.now)
                self._using = self._using and request.form is not StatementForm.USE
                self._record(request, event)
            self._go_on_describing(event)
        except ProtocolViolation as error:
            return self._ended("UpstreamProtocolError", f"Amazon Keyspaces sent nonsense: {error}", event)
        return self._resumed(event)

    def on_upstream_closed(self, event: UpstreamClosed) -> Iterable[Command]:
        """What was in flight may or may not have been done."""
        return self._ended("UpstreamClosed", f"the connection to Amazon Keyspaces ended: {event.reason}", event)

    def on_described(self, event: Described | DescriptionFailed) -> Iterable[Command]:
        """Answer the client, and go on with what waited."""
        if isinstance(event, Described):
            self._end_describing(event.answer, event)
        else:
            self._end_describing(DescriptionError(event.message, code=event.code), event)
        return self._resumed(event)

    def on_policy_changed(self, event: PolicyChanged) -> Iterable[Command]:
        """Judge the session by its grant as it is now.

        Where the grant is the same, nothing happens. A wider one is worth a new login, but not an interruption: until
        a quiet moment the session goes on under the old one, which IAM knows. Whatever may be narrower is in force at
        once, and nothing more is sent to Keyspaces, where IAM still knows the session by the old one.
        """
        self._context.requests.maximum_body = event.policy.database.limits.max_frame_bytes
        caller = self._caller
        try:
            grant = event.policy.grant_for(caller.identity, caller.grant.db_user)
        except GrantError as error:
            return self._begin(Ending.grant_ended(message=str(error), now=event.now), event)
        if grant.hash == caller.grant.hash:
            return ()
        if not narrows(caller.grant, grant):
            return self._begin(Ending.grant_widened(now=event.now), event)
        self._caller = replace(caller, grant=grant)
        self._judge.use(self._caller)
        self._registrations.use(self._caller)
        return self._begin(Ending.grant_narrowed(now=event.now), event)

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

    # Requests.

    def _frame(self, frame: Frame, event: Event) -> None:
        self._from_client += frame.end - frame.start
        stream = frame.stream
        if stream in self._answers.in_flight or stream == self._answers.registering or self._barrier.holds(stream):
            raise ProtocolViolation(f"stream {stream} carries a request already")
        if frame.opcode in _STATEMENTS:
            if self._using or self._barrier:
                self._hold(frame, event)
            else:
                self._statement(frame, event.now, event)
        elif frame.opcode == Opcode.OPTIONS:
            self._options(stream)
        elif frame.opcode == Opcode.REGISTER:
            self._register(stream, read_register(frame))
        else:
            raise ProtocolViolation(f"opcode 0x{frame.opcode:02x} has no place after the login")

    def _options(self, stream: int) -> None:
        """Drivers' heartbeat: where the grant ended, a request like any other on which to say so."""
        if self._ending and self._ending.farewell:
            self._send_error(stream, self._farewell(self._ending))
        else:
            self._to_client.send(self._context.to_client(stream, Opcode.SUPPORTED, SUPPORTED))

    def _register(self, stream: int, types: list[str]) -> None:
        if self._answers.describing and self._answers.describing.asks_on(stream):
            self._send_error(stream, _TOO_MANY_WAIT)
            return
        try:
            forwards = self._registrations.add(types)
        except UnknownEventType as error:
            self._send_error(stream, Refused(code=ErrorCode.PROTOCOL_ERROR, message=str(error)))
            return
        if not forwards:
            self._to_client.send(self._context.to_client(stream, Opcode.READY))
            return
        self._answers.registering = stream
        frame = register_frame(self._context.version, stream, EventType.SCHEMA_CHANGE)
        self._to_upstream.send(ToUpstream(data=frame))

    def _statement(self, frame: Frame, received: float, event: Event) -> bool:
        """Decide a request; False where it is a USE or a DESCRIBE that must wait."""
        if self._ending and self._is_quiet:
            self._ending.observe(event.now - self._lifetime.used_at)
        self._lifetime.used(event.now)
        request = Request.of(frame, now=received)
        self._reader.read(request, frame, self._answers.keyspace)
        refused = self._refusal(request, frame)
        if refused:
            self._deny(request, refused, event)
        elif request.form in _BARRIERS and (self._answers.in_flight or self._answers.registering is not None):
            self._barrier.put_back(frame, received)
            return False
        elif isinstance(request.reading, Statement) and is_answered_here(request.reading):
            self._answer_here(request, request.reading, frame, event)
        elif overdrawn := self._overdraws(request, event):
            self._deny(request, overdrawn, event)
        elif request.form is StatementForm.DESCRIBE:
            self._describe(request, event)
        else:
            self._forward(request, frame)
        return True

    def _overdraws(self, request: Request, event: Event) -> Refused | None:
        """Take from the database's budget of requests; why there is none."""
        pause = self._context.budget.take(event.now)
        if pause is None:
            return self._judge.refuse(request, _TOO_MANY_REQUESTS)
        self._pause_until = max(self._pause_until, event.now + pause)
        return None

    def _refusal(self, request: Request, frame: Frame) -> Refused | None:
        """Why a request is not run: because of what it asks for, or because the session is about to end."""
        ending = self._ending
        if ending is None or ending.accepting:
            return self._judge.judge(request, frame)
        refused = None if ending.grantless else self._judge.judge(request, frame)
        return refused or self._judge.refuse(request, self._farewell(ending))

    def _farewell(self, ending: Ending) -> Refused:
        ending.farewell = False
        return Refused(code=ending.code, message=ending.message)

    def _forward(self, request: Request, frame: Frame) -> None:
        self._using = request.form is StatementForm.USE
        self._answers.in_flight[request.stream] = request
        level, parameters = self._judge.level(request), request.parameters
        if level is None or parameters is None:
            self._to_upstream.forward(frame.buffer, frame.start, frame.end)
        else:
            self._to_upstream.forward_patched(frame.buffer, frame.start, frame.end, parameters.consistency_at, level)

    def _answer_here(self, request: Request, statement: Statement, frame: Frame, event: Event) -> None:
        context, parameters = self._context, request.parameters
        tables = SystemTables(database=context.policy.database, cluster=context.cluster)
        request.answered_here = True
        try:
            if parameters is None:
                body, request.prepared_id = tables.prepared(statement, version=context.version)
                self._prepared.add(request.prepared_id, statement)
            else:
                values = read_values(frame, parameters)
                body, request.rows = tables.rows(statement, values, skip_metadata=parameters.skip_metadata)
        except SystemTableError as error:
            self._deny(request, self._judge.refuse(request, Refused(code=ErrorCode.INVALID, message=str(error))), event)
            return
        answer = context.to_client(request.stream, Opcode.RESULT, body)
        request.outcome, request.response_bytes = "ok", len(answer.data)
        self._to_client.send(answer)
        self._record(request, event)

    def _deny(self, request: Request, refused: Refused, event: Event) -> None:
        request.outcome, request.error_code, request.answered_here = "denied", refused.code, True
        request.response_bytes = self._send_error(request.stream, refused)
        self._record(request, event)

    def _send_error(self, stream: int, refused: Refused) -> int:
        if self._client_gone or self._answers.partly_sent:
            return 0
        error = self._context.error(stream, refused.code, refused.message, refused.extra)
        self._to_client.send(error)
        return len(error.data)

    def _record(self, request: Request, event: Event) -> None:
        self._commands.append(self._trail.statement(event, request))

    # DESCRIBE.

    def _describe(self, request: Request, event: Event) -> None:
        statement, parameters = request.reading, request.parameters
        if not isinstance(statement, Statement) or statement.description is None or parameters is None:
            raise TypeError(f"the judge let {statement!r} be described")
        self._using, request.answered_here = True, True
        self._answers.in_flight[request.stream] = request
        inquiry = Inquiry(
            description=statement.description,
            grant=self._caller.grant,
            skip_metadata=parameters.skip_metadata,
        )
        self._answers.describing = Describing(request, inquiry, version=self._context.version, now=event.now)
        self._go_on_describing(event)

    def _go_on_describing(self, event: Event) -> None:
        describing = self._answers.describing
        if describing is None:
            return
        for command in describing.flush():
            if isinstance(command, ToUpstream):
                self._to_upstream.send(command)
            else:
                self._commands.append(command)
        if describing.failure:
            self._end_describing(describing.failure, event)

    def _end_describing(self, found: Answer | DescriptionError, event: Event) -> None:
        describing = self._answers.describing
        if describing is None:
            return
        request = describing.request
        self._answers.describing, self._using = None, False
        del self._answers.in_flight[request.stream]
        if isinstance(found, DescriptionError):
            request.outcome, request.error_code = "error", found.code
            refused = Refused(code=found.code, message=str(found))
            request.response_bytes = self._send_error(request.stream, refused)
        else:
            answer = self._context.to_client(request.stream, Opcode.RESULT, found.body)
            request.outcome, request.rows, request.response_bytes = "ok", found.rows, len(answer.data)
            self._to_client.send(answer)
        self._record(request, event)

    # The barrier.

    def _hold(self, frame: Frame, event: Event) -> None:
        if self._barrier.has_room(frame):
            self._barrier.hold(frame, event.now)
        else:
            self._refuse_unread(frame, event.now, _TOO_MANY_WAIT, event)

    def _resumed(self, event: Event) -> Iterable[Command]:
        """Go on with what was held, as far as the next USE allows; then all commands so far."""
        while self._barrier and not self._using:
            frame, received = self._barrier.take()
            try:
                if not self._statement(frame, received, event):
                    break
            except ProtocolViolation as error:
                error.stream = frame.stream
                return self.on_violation(error, event)
        return self._settled(event)

    def _refuse_held(self, refused: Refused, event: Event) -> None:
        while self._barrier:
            self._refuse_unread(*self._barrier.take(), refused, event)

    def _refuse_unread(self, frame: Frame, received: float, refused: Refused, event: Event) -> None:
        request = Request.of(frame, now=received)
        self._deny(request, self._judge.refuse(request, refused), event)

    # The end.

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
            self._lull_until = None
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
        if self._lull_until is None and self._commands:
            lull = ending.lull(now=event.now)
            self._lull_until = None if lull is None else event.now + lull
        quiet_at = min(self._lifetime.used_at + IDLE_SECONDS, self._lull_until or inf)
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
        self._lull_until = None
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
        return commands if self._lull_until else [*commands, *self._to_client.flush()]
