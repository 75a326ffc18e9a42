"""A session between a client and a server that may both be hostile, while policies change and time passes.

What is promised, whatever the two send (`tests.fuzz.watched` keeps the books):
- nothing is sent to Keyspaces that the grant in force does not allow, each frame as the client sent it;
- the client gets at most one answer to a request, and nothing on a stream that it did not use;
- nothing is sent to a side after it was closed;
- each forwarded statement has exactly one audit record, as does each refused one;
- what a session keeps is bounded.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from keyward_proxy.describe.inquiry import Answer
from keyward_proxy.session import commands, events
from keyward_proxy.session.cluster import Entrance
from tests.fuzz.choices import Choices, pieces
from tests.fuzz.watched import Watched
from tests.unit.proxy import frames
from tests.unit.proxy.session.script import (
    APP,
    EPOCH,
    HELENUS,
    NONCE,
    READ_ORDERS,
    cluster,
    opened,
    plain,
    policy,
    rule,
)

TEXTS = (
    "SELECT * FROM orders.items",
    "SELECT * FROM items",
    "INSERT INTO orders.items (a) VALUES (1)",
    "INSERT INTO items (a) VALUES (1)",
    "USE orders",
    "USE other",
    'USE "Orders"',
    "SELECT * FROM system.local",
    "SELECT peer FROM system.peers WHERE peer = ?",
    "select * from system_schema.tables",  # In small letters, since the agent's own questions are in capitals.
    "SELECT * FROM system_auth.roles",
    "DROP TABLE orders.items",
    "BEGIN BATCH INSERT INTO orders.items (a) VALUES (1); APPLY BATCH",
    "DESCRIBE KEYSPACES",
    "nonsense 'of",
)
MOST_READS = 40
MOST_FLOODS = 6
"""In a play: the books keep every frame that came, which is more than the session may."""

NAMES = ("orders", "other", "Orders")
SMALL = {"maxFrameBytes": 64 * 1024}
READ, WRITE = READ_ORDERS, rule("writer/allow/0", "orders", "items", "Modify")
POLICIES = (
    policy(READ),
    policy(READ, revision="r2", limits=SMALL),
    policy(READ, WRITE, revision="r3"),
    policy(READ, deny=(rule("deny/0", "orders", "items", "Select"),), revision="r4"),
    policy(READ, granted=False, revision="r5"),
    policy(rule("all/allow/0", "*", "*", "Select", "Modify"), revision="r6"),
    policy(READ, revision="r7", limits={"requestsPerSecond": 1}, options={"allowTracing": True}),
    policy(READ, revision="r8", options={"idleTimeoutSeconds": 60, "maxSessionSeconds": 600}),
)


def run(data: bytes) -> None:
    """Play one session to its end."""
    choices = Choices(data)
    play = _Play(choices)
    while choices and not play.watched.over:
        play.step()
    play.watched.finish()


class _Play:
    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        view = POLICIES[choices.below(len(POLICIES))]
        self.version = 3 + choices.below(2)
        self.floods = 0
        self.watched = Watched(view, version=self.version)
        self.cuts = choices.cuts() if choices.chance() else [1 << 30]
        if not choices.chance():
            self._log_in()

    def step(self) -> None:
        """One thing happens."""
        actions: tuple[Callable[[], None], ...] = (
            self._client_speaks,
            self._client_speaks,
            self._client_speaks,
            self._upstream_answers,
            self._upstream_answers,
            self._upstream_answers,
            self._client_garbage,
            self._upstream_garbage,
            self._policy_changes,
            self._time_passes,
            self._verdict,
            self._ending,
            self._client_floods,
            self._cluster_changes,
        )
        actions[self.choices.below(len(actions))]()

    def _log_in(self) -> None:
        watched, version = self.watched, self.version
        watched.client(frames.startup(version=version))
        watched.client(frames.auth_response(plain(), version=version))
        self._verdict_good()
        self._verdict_good()
        for answer in (
            frames.authenticate(HELENUS, version=version),
            frames.challenge(b"nonce=" + NONCE, version=version),
            frames.auth_success(version=version),
        ):
            watched.upstream(answer)

    def _torn(self, sent: bytes) -> list[bytes]:
        """In reads as this play has them, but not in very many."""
        least = len(sent) // MOST_READS
        return pieces(sent, [max(cut, least) for cut in self.cuts])

    # The client.

    def _client_speaks(self) -> None:
        sent = b"".join(self._request() for _ in range(1 + self.choices.below(4)))
        for piece in self._torn(sent):
            self.watched.client(piece)

    def _request(self) -> bytes:
        choices, version, known = self.choices, self.version, sorted(self.watched.prepared)
        stream = choices.below(8) if choices.below(16) else choices.below(0x8000)
        text = TEXTS[choices.below(len(TEXTS))]
        match choices.below(10):
            case 0 | 1 | 2:
                level = choices.below(13)
                return frames.query(text, stream=stream, version=version, consistency=level)
            case 3:
                return frames.prepare(text, stream=stream, version=version)
            case 4 | 5:
                which = known[choices.below(len(known))] if known and choices.below(8) else choices.take(4)
                return frames.execute(which, choices.string()[:9], stream=stream, version=version)
            case 6:
                return frames.batch(text, TEXTS[choices.below(len(TEXTS))], stream=stream, version=version)
            case 7:
                long = f"{text} /*{'x' * choices.below(256) * 255}*/"
                return frames.query(long, stream=stream, version=version, tracing=choices.below(4) == 0)
            case 8:
                return frames.options(stream=stream, version=version)
            case _:
                return frames.register(stream=stream, version=version)

    def _client_floods(self) -> None:
        """Many long statements at once, each on a stream of its own."""
        if self.floods == MOST_FLOODS:
            return
        self.floods += 1
        text = f"{TEXTS[self.choices.below(len(TEXTS))]} /*{'x' * 60_000}*/"
        for stream in range(100, 100 + 8 * self.choices.below(8)):
            self.watched.client(frames.query(text, stream=stream, version=self.version))
        self.watched.check_size()

    def _client_garbage(self) -> None:
        choices = self.choices
        if choices.chance():
            body = choices.string()
            opcode, flags, stream = choices.below(0x12), (0, 1, 2, 4, 8)[choices.below(5)], choices.below(8)
            sent = struct.pack(">BBhBi", self.version, flags, stream, opcode, len(body)) + body
        else:
            sent = choices.string() or b"\0"
        for piece in self._torn(sent):
            self.watched.client(piece)

    # Keyspaces.

    def _upstream_answers(self) -> None:
        waiting = list(self.watched.in_flight)
        if not waiting:
            self._upstream_garbage()
            return
        stream = waiting[self.choices.below(len(waiting))]
        for piece in self._torn(self._answer(stream, self.watched.in_flight[stream])):
            self.watched.upstream(piece)

    def _answer(self, stream: int, request: frames.Seen) -> bytes:
        choices, version = self.choices, self.version
        kind = choices.below(10)
        if kind < 6:  # what fits
            if request.opcode == 0x09:
                return frames.prepared(b"id%d" % choices.below(4), stream=stream, version=version)
            if b"USE" in request.body[:8]:
                return frames.set_keyspace(NAMES[choices.below(len(NAMES))], stream=stream, version=version)
            cell = b"x" * (choices.below(256) * 16)
            return frames.rows(cell, stream=stream, version=version)
        if kind == 6:
            return frames.void(stream=stream, version=version)
        if kind == 7:
            return frames.error(choices.below(0x10000), "no", stream=stream, version=version)
        if kind == 8:
            return frames.set_keyspace(NAMES[choices.below(len(NAMES))], stream=stream, version=version)
        return frames.prepared(b"id%d" % choices.below(4), stream=stream, version=version)

    def _upstream_garbage(self) -> None:
        choices = self.choices
        body = choices.string()
        stream, opcode = choices.below(10) - 1, choices.below(0x12)
        flags = (0, 0, 1, 2, 4, 8)[choices.below(6)]
        length = len(body) if choices.below(4) else choices.below(0x10000) - 8
        sent = struct.pack(">BBhBi", self.version | 0x80, flags, stream, opcode, length) + body
        for piece in self._torn(sent):
            self.watched.upstream(piece)

    # Everything else.

    def _policy_changes(self) -> None:
        self.watched.policy(POLICIES[self.choices.below(len(POLICIES))])

    def _cluster_changes(self) -> None:
        peers = {f"agent-{number}": f"10.1.0.{10 + number}" for number in range(1, 1 + self.choices.below(4))}
        self.watched.happens(events.ClusterChanged, entrance=Entrance.REPLICAS, cluster=cluster(peers=peers))

    def _time_passes(self) -> None:
        self.watched.wait((0.0, 0.5, 1.1, 4.1, 11.0, 4000.0)[self.choices.below(6)])

    def _verdict(self) -> None:
        if self.choices.below(4):
            self._verdict_good()
        else:
            self._verdict_bad()

    def _verdict_good(self) -> None:
        match self.watched.asked:
            case commands.Authenticate():
                self.watched.happens(events.Authenticated, identity=APP, expires=EPOCH + 5000.0)
            case commands.OpenUpstream():
                self.watched.give(opened()(self.watched.now, EPOCH + self.watched.now))
            case commands.FormatDescription():
                answer = Answer(body=frames.rows(b"CREATE")[9:], rows=1)
                self.watched.happens(events.Described, answer=answer)

    def _verdict_bad(self) -> None:
        why = {"message": "no", "reason": "No", "retryable": self.choices.chance()}
        match self.watched.asked:
            case commands.Authenticate():
                self.watched.happens(events.AuthenticationRefused, **why)
            case commands.OpenUpstream():
                self.watched.happens(events.UpstreamFailed, **why)
            case commands.FormatDescription():
                self.watched.happens(events.DescriptionFailed, message="no", code=0x2200)

    def _ending(self) -> None:
        match self.choices.below(4):
            case 0:
                self.watched.happens(events.Drain, reason="the agent ends")
            case 1:
                self.watched.happens(events.UpstreamClosed, reason="it broke")
            case 2:
                self.watched.happens(events.ClientClosed)
            case _:
                self.watched.wait(1.0)


def _ask(stream: int, text: int, kind: int, *more: int) -> bytes:
    return bytes([0, 0, 1, stream, text, kind, *more])


def _answer(which: int, kind: int, *more: int) -> bytes:
    return bytes([3, which, kind, *more])


def seeds() -> list[bytes]:
    """Logins, then some of everything."""
    begin = bytes([0, 1, 0, 0])
    torn = bytes([0, 1, 1, 2, 7, 30, 200, 0])
    select, rows = _ask(1, 0, 0, 6), _answer(0, 0, 2)
    prepare, execute = _ask(2, 0, 3) + _answer(0, 0, 1), _ask(3, 0, 4, 0, 1, 2, 120, 121)
    use, unqualified, used = _ask(4, 4, 0, 6), _ask(5, 1, 0, 6), _answer(0, 0, 0)
    other = _ask(4, 5, 0, 6) + _ask(6, 1, 0, 6) + _answer(0, 0, 1)
    narrow, gone, time, drain = bytes([8, 3]), bytes([8, 4]), bytes([9, 2]), bytes([11, 0])
    return [
        begin + select + rows + narrow + _ask(2, 0, 0, 6) + time * 3,
        begin + prepare + execute + rows + _ask(1, 2, 3) + drain + rows,
        begin + prepare + bytes([8, 1]) + execute + narrow + execute,
        begin + use + unqualified + used + rows + other + rows + gone + select + time,
        torn + select + rows + use + unqualified + used + rows + _ask(7, 6, 6, 0) + bytes([7, 2, 1, 2, 1, 8, 0, 1]),
        bytes([5, 1, 0, 0]) + _ask(1, 2, 0, 5) + _ask(2, 6, 6, 0) + rows + rows + bytes([9, 5]),
        bytes([0, 1, 0, 1, 6, 1, 1, 1, 2, 1]) + select + bytes([10, 3, 10, 3, 9, 4]),
        begin + _ask(1, 13, 0, 6) + select + _answer(0, 0, 2) * 9 + bytes([10, 1]) + rows,
        bytes([6, 1, 0, 0]) + bytes([0, 3]) + select[2:] * 4 + rows * 4 + bytes([13, 2]) + time,
        begin + use + bytes([12, 0, 7]) + used + rows * 9,
        begin + (select + rows) * 20 + _ask(1, 7, 0, 1) + _ask(2, 8, 3) + bytes([6, 1, 9]) + b"x" * 20,
    ]
