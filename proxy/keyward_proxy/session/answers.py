"""What Keyspaces answers: passed on as it comes, and understood as far as the session must know.

An answer is matched with its request by stream id. Rows are passed on piece by piece; everything else is small and
waited for, because it may change the keyspace in use or bring a prepared id.
"""

from __future__ import annotations

from collections.abc import Iterator

from keyward_api.permissions import StatementForm
from keyward_proxy.cql.statement import Statement
from keyward_proxy.session.commands import ToClient
from keyward_proxy.session.describing import Describing
from keyward_proxy.session.outbox import Outbox
from keyward_proxy.session.prepared import PreparedStatements
from keyward_proxy.session.registrations import Registrations
from keyward_proxy.session.request import Request
from keyward_proxy.wire.body import Body
from keyward_proxy.wire.errors import ProtocolViolation
from keyward_proxy.wire.header import HEADER_BYTES, PUSH_STREAM, Opcode, response
from keyward_proxy.wire.responses import ResultKind, message_body, read_result_kind, read_row_count
from keyward_proxy.wire.scanner import Frame, Piece, ResponseScanner


class Answers:
    """Requests in flight, and their answers."""

    def __init__(
        self,
        *,
        version: int,
        maximum_body: int,
        prepared: PreparedStatements,
        registrations: Registrations,
        to_client: Outbox,
    ) -> None:
        self._scanner = ResponseScanner(maximum_body=maximum_body, version=version)
        self._version = version
        self._prepared = prepared
        self._registrations = registrations
        self._to_client = to_client
        self.in_flight: dict[int, Request] = {}
        """Requests that Keyspaces has, by stream; the oldest first."""

        self.partly_sent: Request | None = None
        """The request whose answer the client has in part."""

        self.describing: Describing | None = None
        """The DESCRIBE under way: all that comes is for it, but the answer to a REGISTER."""

        self.registering: int | None = None
        """The stream on which Keyspaces has a REGISTER."""

        self.keyspace: str | None = None
        """The keyspace in use, as Keyspaces said."""

    def feed(self, data: bytes) -> Iterator[Request]:
        """Pass on what came; yields each request whose answer is complete. Raises ProtocolViolation."""
        for item in self._scanner.feed(data):
            if self.describing and (isinstance(item, Piece) or item.stream not in (PUSH_STREAM, self.registering)):
                self.describing.take(item)
                continue
            finished = self._piece(item) if isinstance(item, Piece) else self._frame(item)
            if finished is not None:
                del self.in_flight[finished.stream]
                yield finished

    def _piece(self, piece: Piece) -> Request | None:
        request = self.partly_sent
        if request is None:
            raise ProtocolViolation("the middle of an answer that nobody waits for")
        request.response_bytes += piece.end - piece.start
        self._to_client.forward(piece.buffer, piece.start, piece.end)
        if piece.missing:
            return None
        self.partly_sent = None
        self._to_client.end_frame()
        return request

    def _frame(self, frame: Frame) -> Request | None:
        if frame.stream == PUSH_STREAM:
            if self._registrations.passes(frame):
                self._to_client.forward(frame.buffer, frame.start, frame.end)
            return None
        if frame.stream == self.registering:
            self._registered(frame.stream)
            return None
        request = self.in_flight.get(frame.stream)
        if request is None:
            raise ProtocolViolation(f"an answer on stream {frame.stream}, where nothing was asked")
        if frame.missing:
            body = Body(frame.buffer, frame.start + HEADER_BYTES, frame.end)
            body.skip(4)
            request.outcome, request.rows = "ok", read_row_count(body)
            self.partly_sent = request
        else:
            self._understand(request, frame)
        request.response_bytes = frame.end - frame.start
        self._to_client.forward(frame.buffer, frame.start, frame.end)
        if frame.missing:
            self._to_client.begin_frame()
            return None
        return request

    def _registered(self, stream: int) -> None:
        """Whatever Keyspaces says to it, the client has what the agent promises: the agent's own events."""
        self.registering = None
        self._to_client.send(ToClient(data=response(self._version, stream, Opcode.READY)))

    def _understand(self, request: Request, frame: Frame) -> None:
        body = message_body(frame)
        if frame.opcode == Opcode.ERROR:
            request.outcome, request.error_code = "error", body.integer() & 0xFFFF
        elif frame.opcode == Opcode.RESULT:
            self._result(request, read_result_kind(body), body)
        else:
            raise ProtocolViolation(f"opcode 0x{frame.opcode:02x} as the answer to a statement")

    def _result(self, request: Request, kind: int, body: Body) -> None:
        request.outcome = "ok"
        if kind == ResultKind.ROWS:
            request.rows = read_row_count(body)
        elif kind == ResultKind.SET_KEYSPACE:
            if request.form is not StatementForm.USE:
                raise ProtocolViolation("another keyspace in answer to a statement that is no USE")
            self.keyspace = body.string()
        elif kind == ResultKind.PREPARED and request.opcode is Opcode.PREPARE:
            request.prepared_id = body.short_bytes()
            if isinstance(request.reading, Statement):
                self._prepared.add(request.prepared_id, request.reading)
