"""Bytes go both ways whole and bounded, waits are answered, and every ending ends both sides."""

from __future__ import annotations

import asyncio
import hashlib
import random
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from keyward_proxy.cql.description import Description, Subject
from keyward_proxy.describe.inquiry import Inquiry
from keyward_proxy.net.connection import Connection, Services, Session
from keyward_proxy.net.leaf import CertificateAuthority, Leaf
from keyward_proxy.net.opening import OpeningFailed
from keyward_proxy.net.stream import HIGH_WATER, READ_BYTES, READS_PER_TURN, handshake
from keyward_proxy.session import commands, events
from keyward_proxy.session.secret import Secret
from keyward_proxy.tasks import TaskHolder
from tests.unit.proxy.net.relays import APP, GRANT, Opener, RelaySession, ScriptedSession, services
from tests.unit.proxy.net.test_stream import Owner, close, open_stream, pair
from tests.unit.proxy.support import until

BOUND = HIGH_WATER + READ_BYTES * READS_PER_TURN
"""No side of a connection holds more unsent bytes than this."""


class Upstream:
    """A TLS server that echoes, or does not read."""

    def __init__(self) -> None:
        self.writers: list[asyncio.StreamWriter] = []
        self.reading = asyncio.Event()
        self.reading.set()
        self.port = 0
        self.received = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        try:
            while True:
                await self.reading.wait()
                data = await reader.read(65536)
                if not data:
                    break
                self.received += len(data)
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


@pytest.fixture
async def upstream(leaf: Leaf) -> AsyncIterator[Upstream]:
    made = Upstream()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=leaf.context)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made
        for writer in made.writers:
            writer.transport.abort()


@pytest.fixture
def opener(authority: CertificateAuthority, upstream: Upstream) -> Opener:
    return Opener(authority, upstream.port)


@pytest.fixture
def shared(opener: Opener, tasks: TaskHolder) -> Services:
    return services(opener, tasks)


class Connected:
    """A client's stream, and the agent's connection of it."""

    def __init__(
        self,
        client: Owner,
        connection: Connection,
        gone: list[Connection],
        logins: list[Connection],
        costly: list[tuple[Connection, float]],
    ) -> None:
        self.client = client
        self.connection = connection
        self.gone = gone
        self.logins = logins
        self.costly = costly

    async def end(self) -> None:
        await close(self.client)
        await until(lambda: bool(self.gone))


Connect = Callable[[Session], Awaitable[Connected]]


@pytest.fixture
async def connect(leaf: Leaf, trusting: ssl.SSLContext, shared: Services) -> AsyncIterator[Connect]:
    made: list[Connected] = []

    async def connect(session: Session) -> Connected:
        client_socket, server_socket = pair()
        server_socket.setblocking(False)
        secure = leaf.context.wrap_socket(server_socket, server_side=True, do_handshake_on_connect=False)
        client = Owner()
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            group.create_task(handshake(secure))
            group.create_task(open_stream(client_socket, trusting, client, server_hostname="agent.test"))
        gone: list[Connection] = []
        logins: list[Connection] = []
        costly: list[tuple[Connection, float]] = []
        connection = Connection(
            secure,
            client="127.0.0.1",
            session=session,
            services=shared,
            on_login=lambda connection, *_: logins.append(connection),
            on_costly=lambda connection, seconds: costly.append((connection, seconds)),
            on_gone=gone.append,
        )
        made.append(Connected(client, connection, gone, logins, costly))
        connection.start()
        return made[-1]

    yield connect
    for connected in made:
        if not connected.client.closed.is_set():
            connected.client.stream.abort()
        if not connected.gone:
            connected.connection.end("the test is over")
        await until(lambda: bool(connected.gone))  # noqa: B023


async def test_what_goes_through_comes_back_unchanged(connect: Connect) -> None:
    session = RelaySession()
    connected = await connect(session)
    sent = random.Random(3).randbytes(3_000_000)  # noqa: S311
    for start in range(0, len(sent), 40_000):
        connected.client.stream.write(sent[start : start + 40_000])
        await asyncio.sleep(0)
    await connected.client.wait(lambda: len(connected.client.data) == len(sent))
    assert hashlib.sha256(connected.client.data).digest() == hashlib.sha256(sent).digest()
    assert connected.logins == [connected.connection]
    await connected.end()


async def test_memory_stays_bounded_though_nobody_reads(connect: Connect, upstream: Upstream) -> None:
    connected = await connect(RelaySession())
    await until(lambda: bool(upstream.writers))
    connection = connected.connection
    upstream.reading.clear()
    connected.client.stream.pause()
    highest = 0

    def measure() -> None:
        nonlocal highest
        streams = [connection._client, connection._upstream]
        highest = max(highest, *(stream.unsent for stream in streams if stream))

    for _ in range(300):
        if connected.client.stream.unsent < HIGH_WATER:
            connected.client.stream.write(bytes(64 * 1024))
        await asyncio.sleep(0)
        measure()
    upstream.reading.set()
    for _ in range(300):
        await asyncio.sleep(0.001)
        measure()
    assert 0 < highest <= BOUND
    connected.client.stream.start()
    await until(lambda: len(connected.client.data) == upstream.received and connected.client.stream.unsent == 0)
    await connected.end()


async def test_a_client_that_does_not_take_its_answers_is_not_read(connect: Connect) -> None:
    """Answers that the agent gives itself, longer than what they answer: refusals, SUPPORTED, system tables."""
    longer = 20
    session = ScriptedSession(ClientData=lambda event: [commands.ToClient(data=event.data * longer)])
    connected = await connect(session)
    client, agents = connected.client, connected.connection._client
    client.stream.pause()
    highest = 0
    for _ in range(300):
        if client.stream.unsent < HIGH_WATER:
            client.stream.write(bytes(16 * 1024))
        await asyncio.sleep(0)
        highest = max(highest, agents.unsent)
    assert HIGH_WATER < highest <= HIGH_WATER + longer * READ_BYTES * READS_PER_TURN
    asked = sum(len(event.data) for event in session.saw(events.ClientData))
    client.stream.start()
    await until(lambda: len(client.data) >= longer * asked)
    client.stream.write(b"more")
    await until(lambda: client.data.endswith(b"more") and client.stream.unsent == 0)
    await connected.end()


@pytest.mark.parametrize("kind", ["ClientData", "UpstreamData"])
async def test_an_event_that_takes_the_processor_is_told_whoever_sent_it(connect: Connect, kind: str) -> None:
    burnt = 0.02

    def burn(_: events.Event) -> list[commands.Command]:
        end = time.thread_time() + burnt
        while time.thread_time() < end:
            pass
        return []

    session = ScriptedSession(**{kind: burn})
    connected = await connect(session)
    connected.connection.tell(partial(getattr(events, kind), data=b"hard to read"))
    connected.connection.tell(events.Drain)
    [(connection, seconds)] = connected.costly
    assert connection is connected.connection
    assert burnt <= seconds < 1
    await connected.end()


async def test_a_client_that_rests_is_not_read(connect: Connect) -> None:
    session = ScriptedSession()
    connected = await connect(session)
    connected.connection.rest(0.2)
    connected.connection.rest(0.01)
    began = time.monotonic()
    connected.client.stream.write(b"more")
    await until(lambda: bool(session.saw(events.ClientData)))
    assert time.monotonic() - began >= 0.15
    await connected.end()


async def test_the_client_is_not_read_while_its_login_waits(connect: Connect, shared: Services) -> None:
    shared.authenticator.gate.clear()  # type: ignore[attr-defined]
    authenticate = commands.Authenticate(username="u", token=Secret("good"))
    session = ScriptedSession(ClientData=lambda event: [authenticate] if event.data == b"login" else [])
    connected = await connect(session)
    connected.client.stream.write(b"login")
    await until(lambda: bool(session.saw(events.ClientData)))
    connected.client.stream.write(b"more")
    await asyncio.sleep(0.05)
    assert len(session.saw(events.ClientData)) == 1
    shared.authenticator.gate.set()  # type: ignore[attr-defined]
    await until(lambda: len(session.saw(events.ClientData)) == 2)
    [verdict] = session.saw(events.Authenticated)
    assert (verdict.identity, verdict.expires) == (APP, 2.0)


async def test_a_refused_token_is_told_with_its_reason(connect: Connect) -> None:
    session = ScriptedSession(ClientData=[commands.Authenticate(username="u", token=Secret("bad"))])
    connected = await connect(session)
    connected.client.stream.write(b"login")
    await until(lambda: bool(session.saw(events.AuthenticationRefused)))
    [verdict] = session.saw(events.AuthenticationRefused)
    assert (verdict.message, verdict.reason, verdict.retryable) == ("bad token", "NotAToken", False)


OPEN: list[commands.Command] = [commands.OpenUpstream(grant=GRANT, identity=APP)]


DESCRIBE_CLUSTER = Inquiry(description=Description(subject=Subject.CLUSTER), grant=GRANT)
DESCRIBE_NOTHING = Inquiry(description=Description(subject=Subject.KEYSPACE), grant=GRANT)


async def test_a_description_is_written_and_told(connect: Connect) -> None:
    session = ScriptedSession(ClientData=[commands.FormatDescription(inquiry=DESCRIBE_CLUSTER)])
    connected = await connect(session)
    connected.client.stream.write(b"x")
    await until(lambda: bool(session.saw(events.Described)))
    assert session.saw(events.Described)[0].answer.rows == 1
    await connected.end()


async def test_a_description_that_fails_is_told_with_its_code(connect: Connect) -> None:
    session = ScriptedSession(ClientData=[commands.FormatDescription(inquiry=DESCRIBE_NOTHING)])
    connected = await connect(session)
    connected.client.stream.write(b"x")
    await until(lambda: bool(session.saw(events.DescriptionFailed)))
    failed = session.saw(events.DescriptionFailed)[0]
    assert (failed.code, failed.message) == (0x2200, "No keyspace specified and no current keyspace")
    await connected.end()


async def test_an_opened_upstream_comes_with_what_it_logs_in_with(connect: Connect) -> None:
    session = ScriptedSession(ClientData=OPEN)
    connected = await connect(session)
    connected.client.stream.write(b"open")
    await until(lambda: bool(session.saw(events.UpstreamOpened)))
    [opened] = session.saw(events.UpstreamOpened)
    assert opened.sign(b"nonce") == b"signed nonce"
    assert (opened.aws_session_name, opened.access_key_id) == ("payments@app", "ASIA1")
    assert opened.credentials_expire == 1.0


@pytest.mark.parametrize("retryable", [True, False])
async def test_an_upstream_that_cannot_be_had_is_told(connect: Connect, opener: Opener, retryable: bool) -> None:
    opener.failure = OpeningFailed("trust policy", reason="AccessDenied", retryable=retryable)
    session = ScriptedSession(ClientData=OPEN)
    connected = await connect(session)
    connected.client.stream.write(b"open")
    await until(lambda: bool(session.saw(events.UpstreamFailed)))
    [failed] = session.saw(events.UpstreamFailed)
    assert (failed.reason, failed.retryable) == ("AccessDenied", retryable)


async def test_a_client_that_leaves_stops_the_opening(connect: Connect, opener: Opener) -> None:
    opener.gate.clear()
    session = ScriptedSession(ClientData=OPEN, ClientClosed=[commands.CloseClient(reason="gone")])
    connected = await connect(session)
    connected.client.stream.write(b"open")
    await until(lambda: bool(session.saw(events.ClientData)))
    connected.connection.end("test")
    await until(lambda: bool(connected.gone))
    await until(lambda: opener.cancelled == 1)


async def test_the_sessions_last_words_reach_the_client(connect: Connect, upstream: Upstream) -> None:
    farewell: list[commands.Command] = [
        commands.ToClient(data=b"2100 " * 1000),
        commands.CloseUpstream(),
        commands.CloseClient(reason="revoked"),
    ]
    session = ScriptedSession(ClientData=OPEN, PolicyChanged=farewell)
    connected = await connect(session)
    connected.client.stream.write(b"open")
    await until(lambda: bool(session.saw(events.UpstreamOpened)))
    connected.connection.tell(lambda now, wall: events.PolicyChanged(now=now, wall=wall, policy=None))  # type: ignore[arg-type]
    await connected.client.wait(lambda: bool(connected.client.endings))
    assert connected.client.data == b"2100 " * 1000
    await connected.end()


async def test_an_upstream_that_ends_is_told_once(connect: Connect, upstream: Upstream) -> None:
    session = RelaySession()
    connected = await connect(session)
    await until(lambda: bool(upstream.writers))
    upstream.writers[0].close()
    await connected.client.wait(lambda: bool(connected.client.endings))
    await connected.end()
    assert len(session.saw(events.UpstreamClosed)) == 1


async def test_a_client_that_leaves_takes_the_upstream_with_it(connect: Connect, opener: Opener) -> None:
    session = RelaySession()
    connected = await connect(session)
    await until(lambda: bool(session.saw(events.UpstreamOpened)))
    connected.client.stream.write(b"hello")
    await connected.client.wait(lambda: connected.client.data == b"hello")
    await connected.end()
    assert len(session.saw(events.ClientClosed)) == 1
    assert opener.sockets[0].fileno() == -1


async def test_a_connection_that_drains_reads_what_its_client_sent_before_it_passes_an_answer_on(
    connect: Connect, upstream: Upstream
) -> None:
    session = ScriptedSession(Tick=[commands.OpenUpstream(grant=GRANT, identity=APP)])
    connected = await connect(session)
    await until(lambda: bool(upstream.writers) and bool(session.saw(events.UpstreamOpened)))
    connected.connection.drain()
    assert session.saw(events.Drain)
    assert connected.client.stream
    connected.client.stream.write(b"under way")
    connected.connection.upstream_received(b"an answer")
    order = [type(event).__name__ for event in session.events[-2:]]
    assert order == ["ClientData", "UpstreamData"]
    connected.connection.end("the test is over")


async def test_a_timer_ticks_at_its_time_and_the_last_one_set_counts(connect: Connect) -> None:
    now = time.monotonic()
    timers: list[Any] = [commands.SetTimer(at=now + 60), commands.SetTimer(at=now + 0.1)]
    session = ScriptedSession(ClientData=timers)
    connected = await connect(session)
    connected.client.stream.write(b"set")
    await until(lambda: len(session.saw(events.Tick)) == 2)
    assert session.saw(events.Tick)[1].now >= now + 0.1


async def test_a_fault_in_a_session_ends_that_connection_and_is_counted(
    connect: Connect, shared: Services, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(event: events.Event) -> list[commands.Command]:
        raise ZeroDivisionError("a fault")

    session = ScriptedSession(ClientData=fail)
    connected = await connect(session)
    healthy = await connect(RelaySession())
    connected.client.stream.write(b"boom")
    await until(lambda: bool(connected.gone))
    assert shared.metrics.errors._value.get() == 1
    assert "session failed" in caplog.text
    healthy.client.stream.write(b"still here")
    await healthy.client.wait(lambda: healthy.client.data == b"still here")
