"""A session whose every command is checked against books that are kept apart from it.

The books are as simple as can be: whole frames split by their headers, the keyspace that the server named last, the
statements behind each prepared id. Whether a statement is allowed is asked of the reader and of the grant in force.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from math import inf
from typing import Any

import msgspec

from keyward_api.decision import EffectiveGrant, GrantError, PolicyView, decide
from keyward_proxy.cql.reader import read
from keyward_proxy.cql.statement import Statement
from keyward_proxy.session import commands, events
from keyward_proxy.session.records import SessionDenied, SessionEnd, SessionStart, StatementRecord
from keyward_proxy.session.settings import LOGIN_FRAME_BYTES, MAXIMUM_HELD_BYTES, MAXIMUM_SCHEMA_BYTES
from keyward_proxy.session.shared import Shared
from tests.fuzz.kept import bytes_kept
from tests.unit.proxy import frames
from tests.unit.proxy.frames import HEADER, Seen
from tests.unit.proxy.session.script import APP, EPOCH, new_script

STATEMENTS = (0x07, 0x09, 0x0A, 0x0D)
ANSWERS = (
    events.Authenticated,
    events.AuthenticationRefused,
    events.UpstreamOpened,
    events.UpstreamFailed,
    events.Described,
    events.DescriptionFailed,
)
OWN_QUESTION = re.compile(rb"SELECT [\w, *]+ FROM system_(schema|schema_mcs|virtual_schema)\.\w+")
"""What the agent asks itself for a DESCRIBE."""

EVENTS_PER_LOOK = 100
BESIDE_FRAMES = 128 * 1024
"""Bytes that a session may keep beside unfinished and waiting frames: texts, ids, messages."""


class Watched:
    """Gives events to a session, and fails where what comes out breaks a promise."""

    def __init__(self, view: PolicyView, *, version: int) -> None:
        self._shared = Shared()
        script = new_script(view, version=version, shared=self._shared)
        self._session, self._timer, self.now = script.session, script.timer, script.now
        self._view = view
        self.asked: commands.Command | None = None
        """Authenticate, OpenUpstream or FormatDescription, while it is not answered."""

        self.in_flight: dict[int, Seen] = {}
        """What Keyspaces has and did not answer, by stream: the client's, and the agent's own questions."""

        self.prepared: dict[bytes, list[Statement]] = {}
        """What the server gave each id for."""

        self._keyspace: str | None = None
        self._from_client = b""
        self._to_client = b""
        self._to_upstream = b""
        self._from_upstream = b""
        self._unanswered: Counter[int] = Counter()
        self._unforwarded: deque[Seen] = deque()
        self._describes = self._registered = False
        """Whether the client ever sent a DESCRIBE, or a REGISTER."""

        self._unrecorded: Counter[int] = Counter()
        """Forwarded statements without a record, by stream."""

        self._statements = 0
        self._records: Counter[type] = Counter()
        self._statement_records = 0
        self._relaying = False
        self._complained = False
        """Whether the client was told something on a stream on which it waits for nothing."""

        self._broken = False
        """Whether the client broke the protocol: from there on its bytes were not read."""

        self._upstream_closed = False
        self._client_closed = False
        self._events = 0

    @property
    def over(self) -> bool:
        """Whether the session has ended."""
        return self._session.over

    # What happens.

    def client(self, data: bytes) -> None:
        """The client sends bytes."""
        if self.over:
            return
        self._note_requests(data)
        self.give(events.ClientData(now=self.now, wall=EPOCH + self.now, data=data))

    def upstream(self, data: bytes) -> None:
        """Keyspaces sends bytes; ignored where no connection stands."""
        if self.over or self._upstream_closed or isinstance(self.asked, commands.OpenUpstream):
            return
        self._note_answers(data)
        self.give(events.UpstreamData(now=self.now, wall=EPOCH + self.now, data=data))

    def policy(self, view: PolicyView) -> None:
        """Another policy comes into force."""
        self._view = view
        self.happens(events.PolicyChanged, policy=view)

    def wait(self, seconds: float) -> None:
        """Time passes, with the timer's ticks."""
        until = self.now + seconds
        while self._timer <= until and not self.over:
            assert self._timer >= self.now - 1000, "a timer in the past"
            self.now = max(self.now, self._timer)
            self._timer = inf
            self.happens(events.Tick)
        self.now = until

    def happens(self, kind: type[events.Event], **fields: Any) -> None:
        """An event of this moment."""
        if kind in ANSWERS:
            self.asked = None
        self.give(kind(now=self.now, wall=EPOCH + self.now, **fields))

    def give(self, event: events.Event) -> None:
        """Let the session have an event, and judge what comes of it."""
        if isinstance(event, events.UpstreamOpened):
            self.asked = None
        was_over = self.over
        found = list(self._session.receive(event))
        assert not (was_over and found), "a session that is over goes on"
        for command in found:
            self._check(command)
        # A record may stand in front of the statement that it tells of, if both are of one moment.
        for command in found:
            if isinstance(command, commands.RecordAudit):
                self._recorded(command.record)
        self._events += 1
        if self._events % EVENTS_PER_LOOK == 0:
            self.check_size()

    def finish(self) -> None:
        """The client goes, and the books are closed."""
        self.check_size()
        if not self.over:
            self.happens(events.ClientClosed)
        assert self.over
        assert self._client_closed
        assert not +self._unrecorded, "a forwarded statement has no audit record"
        if self._relaying:
            assert self._records[SessionStart] == self._records[SessionEnd] == 1
            if not self._broken:
                assert self._statement_records == self._statements, "a statement has no audit record"
        else:
            assert self._records[SessionStart] == self._records[SessionEnd] == 0
        self.give(events.Tick(now=self.now, wall=EPOCH + self.now))

    # The books.

    def _note_requests(self, data: bytes) -> None:
        found, self._from_client = frames.split(self._from_client + data)
        for seen in found:
            self._unanswered[seen.stream] += 1
            if self._relaying and seen.opcode in STATEMENTS:
                self._statements += 1
            self._unforwarded.append(seen)
            self._describes = self._describes or b"DESCRIBE" in seen.body
            self._registered = self._registered or seen.opcode == 0x0B

    def _note_answers(self, data: bytes) -> None:
        found, self._from_upstream = frames.split(self._from_upstream + data)
        for seen in found:
            request = self.in_flight.pop(seen.stream, None)
            if request is None or seen.opcode != 0x08 or seen.flags:
                continue
            kind = int.from_bytes(seen.body[:4])
            size = int.from_bytes(seen.body[4:6])
            if kind == 3 and request.opcode == 0x07:
                self._keyspace = seen.body[6 : 6 + size].decode("utf-8", "replace")
            elif kind == 4 and request.opcode == 0x09 and len(seen.body) >= 6 + size:
                reading = self._read(_long_string(request.body))
                if isinstance(reading, Statement):
                    self.prepared.setdefault(seen.body[6 : 6 + size], []).append(reading)

    def _check(self, command: commands.Command) -> None:
        match command:
            case commands.ToClient():
                assert not self._client_closed, "something is sent to a client that was closed"
                self._sent_to_client(bytes(command.data))
            case commands.ToUpstream():
                assert not self._upstream_closed, "something is sent to Keyspaces after the end"
                self._sent_to_upstream(bytes(command.data))
            case commands.RecordAudit() if isinstance(command.record, SessionStart):
                self._relaying = True
            case commands.CloseClient():
                self._client_closed = True
            case commands.CloseUpstream():
                self._upstream_closed = True
            case commands.SetTimer():
                self._timer = command.at
            case commands.Authenticate() | commands.OpenUpstream() | commands.FormatDescription():
                self.asked = command

    def _sent_to_client(self, data: bytes) -> None:
        found, self._to_client = frames.split(self._to_client + data)
        for seen in found:
            assert seen.version & 0x80
            if seen.opcode == 0x10:
                self._relaying = True
            if seen.stream == -1 and seen.opcode == 0x0C:
                continue
            if self._unanswered[seen.stream]:
                self._unanswered[seen.stream] -= 1
            else:
                assert seen.opcode == 0x00, f"an answer on stream {seen.stream}, where nothing was asked: {seen}"
                assert not self._complained, "a second complaint"
                self._complained = True

    def _sent_to_upstream(self, data: bytes) -> None:
        found, self._to_upstream = frames.split(self._to_upstream + data)
        for seen in found:
            if not self._relaying:
                assert seen.opcode in (0x01, 0x0F), "something else than a login is sent during the login"
                continue
            assert seen.stream not in self.in_flight
            self.in_flight[seen.stream] = seen
            if self._is_own_question(seen):
                continue
            self._was_sent_by_the_client(seen)
            assert self._allows(seen), f"not allowed, and forwarded: {seen}"
            self._unrecorded[seen.stream] += 1

    def _is_own_question(self, seen: Seen) -> bool:
        """Asked by the agent itself, because of what the client asked; the play's client sends no such message."""
        if seen.opcode == 0x0B:
            return self._registered and seen.body == b"\0\1" + frames.string("SCHEMA_CHANGE")
        return seen.opcode == 0x07 and self._describes and bool(OWN_QUESTION.match(_long_string(seen.body)))

    def _was_sent_by_the_client(self, seen: Seen) -> None:
        """The next frame of the client that looks like it; the consistency level alone may be another."""
        while self._unforwarded:
            asked = self._unforwarded.popleft()
            same_head = (asked.version, asked.flags, asked.stream, asked.opcode) == (
                seen.version,
                seen.flags,
                seen.stream,
                seen.opcode,
            )
            if same_head and len(asked.body) == len(seen.body):
                differing = [at for at, (a, b) in enumerate(zip(asked.body, seen.body, strict=True)) if a != b]
                if not differing or differing[-1] - differing[0] <= 1:
                    return
        raise AssertionError(f"a frame is forwarded that the client did not send, or out of order: {seen}")

    def _recorded(self, record: Any) -> None:
        self._records[type(record)] += 1
        line = msgspec.json.encode(record)
        assert b"\n" not in line
        assert msgspec.json.decode(line, type=type(record)) == record
        if isinstance(record, SessionEnd):
            self._broken = record.reason == "ProtocolError"
        if isinstance(record, SessionDenied):
            assert not self._relaying
        if not isinstance(record, StatementRecord):
            return
        self._statement_records += 1
        if record.answered_by == "keyspaces":
            assert record.decision.allowed, "an answer came to what was not allowed"
            assert self._unrecorded[record.stream], "a second record, or one of nothing"
            self._unrecorded[record.stream] -= 1
            self.in_flight.pop(record.stream, None)
        else:
            assert record.outcome in ("denied", "ok", "error", "lost")

    # Whether it may be.

    def _read(self, text: bytes) -> Any:
        try:
            return read(text.decode(), self._keyspace)
        except UnicodeDecodeError:
            return None

    def _allows(self, seen: Seen) -> bool:
        if seen.flags & 0x04:
            return True  # A custom payload stands in front of the text: the books do not look behind it.
        if seen.opcode in (0x07, 0x09):
            return self._allows_statement(self._read(_long_string(seen.body)))
        if seen.opcode == 0x0A:
            known = self.prepared.get(seen.body[2 : 2 + int.from_bytes(seen.body[:2])])
            return bool(known) and all(self._allows_statement(statement) for statement in known or ())
        return seen.opcode == 0x0D and self._allows_batch(seen.body)

    def _allows_batch(self, body: bytes) -> bool:
        position, children = 3, int.from_bytes(body[1:3])
        for _ in range(children):
            if body[position] == 0:
                text = _long_string(body[position + 1 :])
                position += 5 + len(text)
                allowed = self._allows_statement(self._read(text))
            else:
                size = int.from_bytes(body[position + 1 : position + 3])
                known = self.prepared.get(body[position + 3 : position + 3 + size])
                position += 3 + size
                allowed = bool(known) and all(self._allows_statement(statement) for statement in known or ())
            if not allowed:
                return False
            count = int.from_bytes(body[position : position + 2])
            position += 2
            for _ in range(count):
                position += 4 + max(int.from_bytes(body[position : position + 4], signed=True), 0)
        return True

    def _allows_statement(self, reading: Any) -> bool:
        if not isinstance(reading, Statement):
            return False
        grant = self._grant()
        return reading.use_keyspace is not None or (grant is not None and decide(grant, reading.accesses).allowed)

    def _grant(self) -> EffectiveGrant | None:
        try:
            return self._view.grant_for(APP, "Reader")
        except GrantError:
            return None

    def check_size(self) -> None:
        """Look at how much the session keeps; costs more than the session itself."""
        kept = bytes_kept(self._session, beside=(self._view, self._shared))
        frame = max(self._view.database.limits.max_frame_bytes, LOGIN_FRAME_BYTES) + HEADER.size
        schema = MAXIMUM_SCHEMA_BYTES if self._describes else 0
        assert kept <= frame + MAXIMUM_HELD_BYTES + schema + BESIDE_FRAMES, f"a session keeps {kept} bytes"


def _long_string(body: bytes) -> bytes:
    return body[4 : 4 + int.from_bytes(body[:4])]
