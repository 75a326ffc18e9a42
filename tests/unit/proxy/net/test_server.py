"""The listener's caps, its deadlines, and how it ends."""

from __future__ import annotations

import asyncio
import datetime
import errno
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Protocol

import pytest

from keyward_api.resources.database import Limits as PolicyLimits
from keyward_proxy.net import server as module
from keyward_proxy.net.connection import Services
from keyward_proxy.net.leaf import CertificateAuthority, Leaf, issue
from keyward_proxy.net.server import Limits, Server
from keyward_proxy.session import commands, events
from keyward_proxy.session.cluster import Entrance
from keyward_proxy.tasks import TaskHolder
from tests.unit.proxy.net.relays import APP, GRANT, VIEW, Opener, ScriptedSession, services
from tests.unit.proxy.support import until


def farewell(_: events.Event) -> list[commands.Command]:
    return [commands.CloseClient(reason="over")]


def new_session() -> ScriptedSession:
    """Logs in at its first byte, ends with its client or when it is told to."""
    return ScriptedSession(
        ClientData=[commands.OpenUpstream(grant=GRANT, identity=APP)],
        ClientClosed=farewell,
        Drain=farewell,
    )


class Running:
    """A server, and what it made."""

    def __init__(
        self,
        server: Server,
        port: int,
        sessions: list[ScriptedSession],
        shared: Services,
        entrances: list[Entrance],
    ) -> None:
        self.server = server
        self.port = port
        self.sessions = sessions
        self.shared = shared
        self.entrances = entrances

    def count(self, outcome: str) -> float:
        return self.shared.metrics.connections.labels(outcome)._value.get()

    def plain(self, source: str = "127.0.0.1") -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10, source_address=(source, 0))

    async def client(self, trusting: ssl.SSLContext) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port, ssl=trusting, server_hostname="agent.test")


class Listen(Protocol):
    """Starts a server with these limits; those that a policy sets by keyword."""

    def __call__(self, limits: Limits, **of_policy: int) -> Running: ...


@pytest.fixture
async def listen(leaf: Leaf, authority: CertificateAuthority, tasks: TaskHolder) -> AsyncIterator[Listen]:
    made: list[Running] = []
    opener = Opener(authority, 1)
    opener.gate.clear()

    def listen(limits: Limits, **of_policy: int) -> Running:
        sessions: list[ScriptedSession] = []
        entrances: list[Entrance] = []

        def make(_: str, entrance: Entrance, __: bytes | None) -> ScriptedSession:
            entrances.append(entrance)
            sessions.append(new_session())
            return sessions[-1]

        database = VIEW.database.model_copy(update={"limits": PolicyLimits(**of_policy)})
        shared = replace(services(opener, tasks), database=lambda: database)
        server = Server(context=lambda: leaf.context, new_session=make, services=shared, limits=limits)
        made.append(Running(server, server.listen("127.0.0.1", 0), sessions, shared, entrances))
        return made[-1]

    yield listen
    for running in made:
        running.server.stop_accepting()
        running.server.end_all("the test is over")
        async with asyncio.timeout(10):
            await running.server.wait_until_empty()


async def closed(reader: asyncio.StreamReader) -> bytes:
    """What is read until the end."""
    async with asyncio.timeout(10):
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""


async def test_a_client_that_never_speaks_is_given_up(listen: Listen) -> None:
    running = listen(Limits(handshake_seconds=0.1))
    with running.plain() as silent:
        await until(lambda: running.count("handshake_failed") == 1)
        assert await asyncio.to_thread(silent.recv, 1) == b""


async def test_a_handshake_has_ten_seconds_from_the_accept_on(listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:
    loop, turned = asyncio.get_running_loop(), [0.0]
    now = loop.time
    monkeypatch.setattr(loop, "time", lambda: now() + turned[0])
    running = listen(Limits())
    with running.plain(), running.plain() as cut:
        cut.sendall(b"\x16\x03\x01\x02\x00\x01")
        await until(lambda: sorted(bool(arrival.handshake) for arrival in running.server._waiting) == [False, True])
        turned[0] = 8.0
        for _ in range(10):
            await asyncio.sleep(0)
        assert running.count("handshake_failed") == 0
        turned[0] = 10.1
        await until(lambda: running.count("handshake_failed") == 2)
    assert len(running.server) == 0


async def test_what_is_not_tls_is_ended(listen: Listen) -> None:
    running = listen(Limits())
    with running.plain() as confused:
        confused.sendall(b"GET / HTTP/1.1\r\n\r\n")
        await until(lambda: running.count("handshake_failed") == 1)
    assert not running.sessions


async def test_the_oldest_connection_before_login_makes_room(listen: Listen, trusting: ssl.SSLContext) -> None:
    running = listen(Limits(before_login=2))
    idle = [running.plain() for _ in range(2)]
    await until(lambda: len(running.server) == 2)
    _, writer = await running.client(trusting)
    assert running.count("evicted") == 1
    assert await asyncio.to_thread(idle[0].recv, 1) == b""
    writer.close()
    for sock in idle:
        sock.close()


async def test_a_session_that_never_logs_in_makes_room_as_well(listen: Listen, trusting: ssl.SSLContext) -> None:
    running = listen(Limits(before_login=1))
    reader, writer = await running.client(trusting)
    await until(lambda: len(running.sessions) == 1)
    _, other = await running.client(trusting)
    assert await closed(reader) == b""
    [ended] = running.sessions[0].saw(events.ClientClosed)
    assert ended.reason == "too many connections before login"
    for each in (writer, other):
        each.close()


async def log_in(running: Running, trusting: ssl.SSLContext, number: int) -> asyncio.StreamWriter:
    """A client that is logged in, the so-manieth."""
    _, writer = await running.client(trusting)
    writer.write(b"log in")
    await until(lambda: len(running.server._after_login) == number)
    return writer


async def refused(running: Running, trusting: ssl.SSLContext) -> events.UpstreamFailed:
    """What a session is told whose login there is no room for."""
    _, writer = await running.client(trusting)
    await until(lambda: len(running.sessions) > 0)
    writer.write(b"log in")
    await until(lambda: bool(running.sessions[-1].saw(events.UpstreamFailed)))
    writer.close()
    [failed] = running.sessions[-1].saw(events.UpstreamFailed)
    assert isinstance(failed, events.UpstreamFailed)
    return failed


async def test_clients_that_stop_after_their_handshake_do_not_drive_out_one_that_is_in_it(
    listen: Listen, trusting: ssl.SSLContext
) -> None:
    running = listen(Limits(before_login=3))
    idle = [await running.client(trusting) for _ in range(2)]
    await until(lambda: len(running.sessions) == 2)
    half_open = running.plain()
    await until(lambda: len(running.server) == 3)
    _, late = await running.client(trusting)
    assert await closed(idle[0][0]) == b""
    half_open.setblocking(False)
    with pytest.raises(BlockingIOError):
        half_open.recv(1)
    half_open.close()
    for writer in (late, *(writer for _, writer in idle)):
        writer.close()


async def test_a_flood_from_one_address_evicts_itself(listen: Listen, trusting: ssl.SSLContext) -> None:
    running = listen(Limits(before_login=4))
    _, writer = await running.client(trusting)
    await until(lambda: len(running.sessions) == 1)
    flood = [running.plain("127.0.0.2") for _ in range(20)]
    await until(lambda: running.count("evicted") == 17)
    writer.write(b"log in")
    await until(lambda: len(running.server._after_login) == 1)
    writer.close()
    for sock in flood:
        sock.close()


async def test_logins_do_not_count_as_waiting(listen: Listen, trusting: ssl.SSLContext) -> None:
    running = listen(Limits(before_login=1))
    writers = [await log_in(running, trusting, number) for number in (1, 2)]
    assert running.count("evicted") == 0
    for writer in writers:
        writer.close()


async def test_an_agent_takes_as_many_connections_as_its_database_allows(
    listen: Listen, trusting: ssl.SSLContext
) -> None:
    running = listen(Limits(), max_connections=1)
    writer = await log_in(running, trusting, 1)
    failed = await refused(running, trusting)
    assert failed.overloaded
    assert "this agent has 1 connections" in failed.message
    writer.close()
    running.server.end_all("make room")
    await until(lambda: not running.server._after_login)
    (await log_in(running, trusting, 1)).close()


async def test_an_identity_has_a_cap_of_its_own_and_closing_makes_room(
    listen: Listen, trusting: ssl.SSLContext
) -> None:
    running = listen(Limits(), max_connections_per_identity=1)
    writer = await log_in(running, trusting, 1)
    failed = await refused(running, trusting)
    assert failed.reason == "TooManyConnections"
    assert f"{APP.username} has 1 connections to this agent" in failed.message
    writer.close()
    running.server.end_all("make room")
    await until(lambda: not running.server._by_identity)
    (await log_in(running, trusting, 1)).close()


async def test_without_a_policy_nobody_is_served(
    leaf: Leaf, trusting: ssl.SSLContext, authority: CertificateAuthority, tasks: TaskHolder
) -> None:
    shared = services(Opener(authority, 1), tasks)
    server = Server(context=lambda: leaf.context, new_session=lambda *_: None, services=shared, limits=Limits())
    port = server.listen("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting, server_hostname="agent.test")
    assert await closed(reader) == b""
    writer.close()
    server.stop_accepting()


async def test_a_new_leaf_serves_from_the_next_connection_on(
    trusting: ssl.SSLContext, authority: CertificateAuthority, tasks: TaskHolder
) -> None:
    leaves = [issue(authority, ["agent.test"], datetime.datetime.now(datetime.UTC)) for _ in range(2)]
    present = [leaves[0]]
    shared = services(Opener(authority, 1), tasks)
    server = Server(
        context=lambda: present[0].context, new_session=lambda *_: new_session(), services=shared, limits=Limits()
    )
    port = server.listen("127.0.0.1", 0)
    serials = []
    for leaf in leaves:
        present[0] = leaf
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting, server_hostname="agent.test")
        serials.append(writer.get_extra_info("peercert")["serialNumber"])
        writer.close()
    assert serials[0] != serials[1]
    server.stop_accepting()
    async with asyncio.timeout(10):
        await server.wait_until_empty()


async def test_the_end_takes_no_more_tells_everyone_and_waits(listen: Listen, trusting: ssl.SSLContext) -> None:
    running = listen(Limits())
    reader, writer = await running.client(trusting)
    half_open = running.plain()
    await until(lambda: len(running.server) == 2 and len(running.sessions) == 1)
    running.server.stop_accepting()
    assert not running.server.listening
    with pytest.raises(ConnectionRefusedError):
        running.plain()
    await running.server.drain()
    assert await closed(reader) == b""
    writer.close()
    async with asyncio.timeout(10):
        await running.server.wait_until_empty()
    half_open.close()


async def test_a_session_knows_through_which_port_its_client_came(listen: Listen, trusting: ssl.SSLContext) -> None:
    running = listen(Limits())
    external = running.server.listen("127.0.0.1", 0, Entrance.EXTERNAL)
    _, inside = await running.client(trusting)
    _, outside = await asyncio.open_connection("127.0.0.1", external, ssl=trusting, server_hostname="agent.test")
    await until(lambda: running.entrances == [Entrance.REPLICAS, Entrance.EXTERNAL])
    running.server.stop_accepting()
    for port in (running.port, external):
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
    for writer in (inside, outside):
        writer.close()


async def test_sessions_are_drained_one_after_the_other_but_in_time(
    listen: Listen, trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DRAIN_SPREAD_SECONDS", 0.2)
    running = listen(Limits())
    writers = [(await running.client(trusting))[1] for _ in range(4)]
    await until(lambda: len(running.sessions) == 4)
    began = asyncio.get_running_loop().time()
    await running.server.drain()
    took = asyncio.get_running_loop().time() - began
    times = [session.saw(events.Drain)[0].now for session in running.sessions]
    assert all(later - earlier >= 0.04 for earlier, later in pairwise(times))
    assert took >= 0.2
    for writer in writers:
        writer.close()


async def test_a_session_that_ended_before_its_turn_is_passed_over(listen: Listen, trusting: ssl.SSLContext) -> None:
    running = listen(Limits())
    writers = [(await running.client(trusting))[1] for _ in range(2)]
    await until(lambda: len(running.sessions) == 2)
    async with asyncio.TaskGroup() as group:
        group.create_task(running.server.drain())
        running.server.end_all("gone")
    await running.server.wait_until_empty()
    for writer in writers:
        writer.close()


async def test_events_reach_every_session(listen: Listen, trusting: ssl.SSLContext) -> None:
    running = listen(Limits())
    writers = [(await running.client(trusting))[1] for _ in range(3)]
    await until(lambda: len(running.sessions) == 3)
    running.server.tell(partial(events.PolicyChanged, policy=None))
    assert all(session.saw(events.PolicyChanged) for session in running.sessions)
    for writer in writers:
        writer.close()


async def test_without_descriptors_accepting_pauses_and_comes_back(
    listen: Listen, trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.05)
    running = listen(Limits())

    class Exhausted:
        """A listener for which the process has no descriptors left."""

        def __init__(self, sock: socket.socket) -> None:
            self.sock = sock
            self.tries = 0

        def accept(self) -> tuple[socket.socket, object]:
            self.tries += 1
            if self.tries < 3:
                raise OSError(errno.EMFILE, "Too many open files")
            return self.sock.accept()

        def fileno(self) -> int:
            return self.sock.fileno()

        def close(self) -> None:
            self.sock.close()

    (real,) = running.server._listeners
    listener = Exhausted(real)
    asyncio.get_running_loop().remove_reader(real.fileno())
    running.server._listeners = {listener: Entrance.REPLICAS}  # type: ignore[dict-item]
    running.server._resume(listener)  # type: ignore[arg-type]
    _, writer = await running.client(trusting)
    assert 3 <= listener.tries <= 5
    writer.close()


@pytest.mark.parametrize("here", ["sends", "logs in", "is idle"])
async def test_costly_work_lets_all_connections_of_the_identity_rest_where_others_are_here(
    listen: Listen, trusting: ssl.SSLContext, here: str
) -> None:
    running = listen(Limits())
    clients = [await log_in(running, trusting, number) for number in (1, 2, 3)]
    costly, same, other = running.server._after_login
    running.server._after_login[other] = "somebody else"
    rests: dict[object, float] = {}
    for connection in (costly, same, other):
        connection.rest = partial(rests.__setitem__, connection)  # type: ignore[method-assign]
    if here != "sends":
        other.heard_at -= 2 * module.LATELY_SECONDS
    if here == "logs in":
        clients.append((await running.client(trusting))[1])
        await until(lambda: len(running.server._waiting) == 1)
    running.server._costly(costly, 0.5)
    rest = 0.5 * module.REST_FACTOR
    assert rests == ({} if here == "is idle" else {costly: rest, same: rest})
    running.server._after_login[other] = APP.username
    for client in clients:
        client.close()
