"""One DESCRIBE under way: what Keyspaces is asked for it, and what becomes of the answers.

Nobody else's request is in flight meanwhile but perhaps a REGISTER, so the questions have the connection's stream ids
to themselves. They take the highest, which clients use last.

State     | what comes                    | what follows
----------|-------------------------------|--------------------------------------------------------------
asking    | a page with more behind it    | QUERY for the next page
asking    | the last page of all answers  | FormatDescription, then state writing
asking    | an ERROR, or too many bytes   | the other answers are waited for and dropped, then `failure`
writing   | Described, DescriptionFailed  | the client's answer, by the relay
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from keyward_api.consistency import ConsistencyLevel
from keyward_proxy.describe.inquiry import DescriptionError, Inquiry, SchemaPage, too_large
from keyward_proxy.describe.questions import Question, questions
from keyward_proxy.session.commands import Command, FormatDescription, ToUpstream
from keyward_proxy.session.request import Request
from keyward_proxy.session.settings import DESCRIBE_SECONDS, MAXIMUM_SCHEMA_BYTES
from keyward_proxy.wire.errors import ProtocolViolation
from keyward_proxy.wire.header import Opcode, frame
from keyward_proxy.wire.page import read_paging_state
from keyward_proxy.wire.requests import page_query_body
from keyward_proxy.wire.responses import ErrorCode, message_body, read_error
from keyward_proxy.wire.scanner import Frame, Piece

_HIGHEST_STREAM = 0x7FFF
_PAGE_ROWS = 5000
_PASSED_ON = frozenset({ErrorCode.OVERLOADED, ErrorCode.UNAUTHORIZED, ErrorCode.INVALID})
"""Codes that Keyspaces may say to the client; others have fields of their own behind the message."""


@dataclass(kw_only=True, slots=True)
class _Asked:
    """A question that Keyspaces has."""

    question: Question
    received: bytearray = field(default_factory=bytearray)
    """What came of a page that takes several reads."""


class Describing:
    """Asks Keyspaces, and gathers its answers."""

    def __init__(self, request: Request, inquiry: Inquiry, *, version: int, now: float) -> None:
        self.request = request
        self.deadline = now + DESCRIBE_SECONDS
        """Monotonic seconds at which the client must have been answered."""

        self.outdated = False
        """Whether the grant by which it is written is no longer in force."""

        self._inquiry = inquiry
        self._version = version
        self._asked: dict[int, _Asked] = {}
        self._receiving: int | None = None
        self._pages: list[SchemaPage] = []
        self._bytes = 0
        self._failure: DescriptionError | None = None
        self._writing = False
        self._commands: list[Command] = []
        for number, question in enumerate(questions(inquiry.description)):
            stream = _HIGHEST_STREAM - number
            self._asked[stream] = _Asked(question=question)
            self._ask(stream, question, None)
        self._settle()

    def flush(self) -> list[Command]:
        """What is to be done now."""
        commands, self._commands = self._commands, []
        return commands

    @property
    def failure(self) -> DescriptionError | None:
        """Why there is no answer, once nothing more is under way."""
        return None if self._asked else self._failure

    def asks_on(self, stream: int) -> bool:
        """Whether Keyspaces has a question on this stream."""
        return stream in self._asked

    def take(self, item: Frame | Piece) -> None:
        """Something that Keyspaces sent. Raises ProtocolViolation where it belongs to no question."""
        if isinstance(item, Piece):
            self._piece(item)
        elif item.stream not in self._asked:
            raise ProtocolViolation(f"an answer on stream {item.stream}, where nothing was asked")
        elif item.missing:
            self._begin(item)
        else:
            self._complete(item)
        self._settle()

    def _ask(self, stream: int, question: Question, paging_state: bytes | None) -> None:
        body = page_query_body(
            question.text,
            consistency=ConsistencyLevel.LOCAL_QUORUM.value,
            page_size=_PAGE_ROWS,
            paging_state=paging_state,
        )
        self._commands.append(ToUpstream(data=frame(self._version, stream, Opcode.QUERY, body)))

    def _begin(self, frame: Frame) -> None:
        self._receiving = frame.stream
        if self._spend(frame.end - frame.start + frame.missing):
            self._asked[frame.stream].received += frame.buffer[frame.start : frame.end]

    def _piece(self, piece: Piece) -> None:
        stream = self._receiving
        if stream is None:
            raise ProtocolViolation("the middle of an answer that nobody waits for")
        received = self._asked[stream].received
        if not self._failure:
            received += piece.buffer[piece.start : piece.end]
        if piece.missing:
            return
        self._receiving = None
        if self._failure:
            del self._asked[stream]
        else:
            whole, self._asked[stream].received = bytes(received), bytearray()
            self._result(Frame(self._version, 0, stream, Opcode.RESULT, whole, 0, len(whole)))

    def _complete(self, frame: Frame) -> None:
        if frame.opcode == Opcode.ERROR:
            code, message = read_error(frame)
            text = f"Amazon Keyspaces did not answer the agent's question for its schema: {message} (0x{code:04x})"
            self._fail(DescriptionError(text, code=code if code in _PASSED_ON else ErrorCode.SERVER_ERROR))
            del self._asked[frame.stream]
        elif frame.opcode != Opcode.RESULT:
            raise ProtocolViolation(f"opcode 0x{frame.opcode:02x} as the answer to a statement")
        elif self._spend(frame.end - frame.start):
            self._result(frame)
        else:
            del self._asked[frame.stream]

    def _result(self, frame: Frame) -> None:
        body = message_body(frame)
        start = body.position
        state = read_paging_state(body)
        question = self._asked[frame.stream].question
        self._pages.append(SchemaPage(table=question.table, body=frame.buffer[start : frame.end]))
        if state is None:
            del self._asked[frame.stream]
        else:
            self._ask(frame.stream, question, state)

    def _spend(self, count: int) -> bool:
        """Whether so many bytes more may be kept."""
        self._bytes += count
        if self._bytes > MAXIMUM_SCHEMA_BYTES:
            self._fail(too_large(MAXIMUM_SCHEMA_BYTES))
        return self._failure is None

    def _fail(self, error: DescriptionError) -> None:
        self._failure = self._failure or error
        self._pages.clear()
        for asked in self._asked.values():
            asked.received = bytearray()

    def _settle(self) -> None:
        """Once everything is answered, have the answers written down."""
        if not self._asked and not self._failure and not self._writing:
            self._writing = True
            self._commands.append(FormatDescription(inquiry=replace(self._inquiry, pages=tuple(self._pages))))
            self._pages = []
