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

from keyward_api.permissions import StatementForm
from keyward_proxy.cql.statement import Reading, Statement
from keyward_proxy.describe.inquiry import Answer, DescriptionError, Inquiry
from keyward_proxy.session.closing import Closing
from keyward_proxy.session.commands import Command, ToUpstream
from keyward_proxy.session.context import SUPPORTED
from keyward_proxy.session.describing import Describing
from keyward_proxy.session.events import (
    Described,
    DescriptionFailed,
    Event,
)
from keyward_proxy.session.judge import Refused
from keyward_proxy.session.registrations import UnknownEventType
from keyward_proxy.session.request import Request
from keyward_proxy.session.settings import MAXIMUM_DESCRIPTIONS
from keyward_proxy.session.system_tables import SystemTableError, SystemTables, is_answered_here
from keyward_proxy.wire.errors import ProtocolViolation
from keyward_proxy.wire.header import Opcode
from keyward_proxy.wire.requests import read_register, read_values
from keyward_proxy.wire.responses import ErrorCode
from keyward_proxy.wire.scanner import Frame
from keyward_proxy.wire.server_events import EventType, register_frame

_TOO_MANY_WAIT = Refused(
    code=ErrorCode.OVERLOADED,
    message="too many statements wait for a USE or a DESCRIBE to be answered: send this one again later",
)
_TOO_MANY_DESCRIPTIONS = Refused(
    code=ErrorCode.OVERLOADED,
    message="the agent is writing as many descriptions as it can at a time: send this one again in a moment",
)
_DESCRIBED_BEFORE_A_CHANGE = DescriptionError(
    "your grant changed while the schema was described: send the statement again", code=ErrorCode.OVERLOADED
)
_TOO_MANY_REQUESTS = Refused(
    code=ErrorCode.OVERLOADED,
    message="the database's limit of requests (`limits.requestsPerSecond`) is reached, and waiting would take "
    "too long; the statement was not run: send it again later",
)
_BARRIERS = frozenset({StatementForm.USE, StatementForm.DESCRIBE})
_STATEMENTS = frozenset({Opcode.QUERY, Opcode.PREPARE, Opcode.EXECUTE, Opcode.BATCH})


class Relay(Closing):
    """Stands between a client that is logged in and Keyspaces."""

    def on_frames(self, frames: Sequence[Frame], event: Event) -> Iterable[Command]:
        """Decide each request, in order."""
        for frame in frames:
            try:
                self._frame(frame, event)
            except ProtocolViolation as error:
                error.stream = frame.stream
                return self.on_violation(error, event)
        return self._settled(event)

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

    def on_described(self, event: Described | DescriptionFailed) -> Iterable[Command]:
        """Answer the client, and go on with what waited."""
        if isinstance(event, Described):
            self._end_describing(event.answer, event)
        else:
            self._end_describing(DescriptionError(event.message, code=event.code), event)
        return self._resumed(event)

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

    def _statement(self, frame: Frame, received: float, event: Event, known: Reading | None = None) -> bool:
        """Decide a request; False where it is a USE or a DESCRIBE that must wait. `known`: what its text says."""
        if self._ending and known is None:
            lull = event.now - self._lifetime.used_at if self._is_quiet else None
            self._ending.pace.statement(now=event.now, lull=lull)
        self._lifetime.used(event.now)
        request = Request.of(frame, now=received)
        self._reader.read(request, frame, self._answers.keyspace, known)
        refused = self._refusal(request, frame)
        if refused:
            self._deny(request, refused, event)
        elif request.form in _BARRIERS and (self._answers.in_flight or self._answers.registering is not None):
            if request.reading is not None and self._barrier.has_room(frame):
                self._barrier.put_back(frame, received, request.reading)
                return False
            self._deny(request, self._judge.refuse(request, _TOO_MANY_WAIT), event)
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
        pause = self._context.shared.budget.take(event.now)
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

    def _describe(self, request: Request, event: Event) -> None:
        statement, parameters = request.reading, request.parameters
        if not isinstance(statement, Statement) or statement.description is None or parameters is None:
            raise TypeError(f"the judge let {statement!r} be described")
        if len(self._context.shared.describing) >= MAXIMUM_DESCRIPTIONS:
            self._deny(request, self._judge.refuse(request, _TOO_MANY_DESCRIPTIONS), event)
            return
        self._using, request.answered_here = True, True
        self._answers.in_flight[request.stream] = request
        inquiry = Inquiry(
            description=statement.description,
            grant=self._caller.grant,
            skip_metadata=parameters.skip_metadata,
        )
        self._answers.describing = Describing(request, inquiry, version=self._context.version, now=event.now)
        self._context.shared.describing.add(self._answers.describing)
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
        if describing.outdated:
            found = _DESCRIBED_BEFORE_A_CHANGE
        self._context.shared.describing.discard(describing)
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

    def _hold(self, frame: Frame, event: Event) -> None:
        if self._barrier.has_room(frame):
            self._barrier.hold(frame, event.now)
        else:
            self._refuse_unread(frame, event.now, _TOO_MANY_WAIT, event)

    def _resumed(self, event: Event) -> Iterable[Command]:
        """Go on with what was held, as far as the next USE allows; then all commands so far."""
        while self._barrier and not self._using:
            held = self._barrier.take()
            try:
                if not self._statement(*held[:2], event, held.reading):
                    break
            except ProtocolViolation as error:
                error.stream = held.frame.stream
                return self.on_violation(error, event)
        return self._settled(event)
