"""Whether Keyspaces can be reached: what sessions show, and what is tried where there are none."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from typing import cast

import pytest

from keyward_proxy.clock import SystemClock
from keyward_proxy.net import reachability as module
from keyward_proxy.net.errors import UpstreamUnreachable
from keyward_proxy.net.reachability import Reachability
from keyward_proxy.net.upstream import Endpoint
from keyward_proxy.tasks import TaskHolder
from tests.unit.proxy.support import until

ENDPOINT = Endpoint(address="cassandra.us-east-1.amazonaws.com", port=9142, server_name="cassandra", roots=None)
OTHER = Endpoint(address="other.example", port=9142, server_name="other.example", roots=None)


class Network:
    """Connects as the test says, and holds what it gave."""

    def __init__(self) -> None:
        self.down = ""
        """Why nothing can be reached; empty while it can."""

        self.attempts: list[Endpoint] = []
        self.times: list[float] = []
        self.given: list[socket.socket] = []

    async def connect(self, endpoint: Endpoint) -> ssl.SSLSocket:
        self.attempts.append(endpoint)
        self.times.append(asyncio.get_running_loop().time())
        if self.down:
            raise UpstreamUnreachable(self.down)
        self.given.append(socket.socket())
        return cast(ssl.SSLSocket, self.given[-1])


class Told:
    """A Reachability, and what it told in order: reasons, empty where Keyspaces was reached."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.reasons: list[str] = []
        self.reachability = Reachability(connector=network, clock=SystemClock(), on_change=self._changed)

    def _changed(self) -> None:
        report = self.reachability.report
        assert report is not None
        assert report.reachable is not bool(report.reason)
        self.reasons.append(report.reason)

    async def session(self, endpoint: Endpoint = ENDPOINT) -> bool:
        """Whether a session gets its connection."""
        try:
            (await self.reachability.connect(endpoint)).close()
        except UpstreamUnreachable:
            return False
        return True


@pytest.fixture
def network() -> Iterator[Network]:
    made = Network()
    yield made
    for sock in made.given:
        sock.close()


@pytest.fixture
async def told(network: Network, tasks: TaskHolder, monkeypatch: pytest.MonkeyPatch) -> Told:
    monkeypatch.setattr(module, "QUIET_SECONDS", 3600.0)
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.05)
    made = Told(network)
    tasks.start(made.reachability.run(), name="reachability")
    return made


async def test_it_is_tried_as_soon_as_it_is_known_and_the_connection_closed(told: Told, network: Network) -> None:
    await asyncio.sleep(0)
    assert network.attempts == []
    told.reachability.watch(ENDPOINT)
    await until(lambda: told.reasons == [""])
    assert network.attempts == [ENDPOINT]
    assert network.given[0].fileno() == -1


async def test_without_sessions_it_is_tried_again_and_again(
    told: Told, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "QUIET_SECONDS", 0.02)
    told.reachability.watch(ENDPOINT)
    await until(lambda: len(network.attempts) == 4)
    assert told.reasons == [""]
    network.down = "cannot connect"
    await until(lambda: told.reasons == ["", "cannot connect"])


async def test_sessions_that_connect_make_tries_needless(
    told: Told, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "QUIET_SECONDS", 0.3)
    told.reachability.watch(ENDPOINT)
    await until(lambda: told.reasons == [""])
    began = len(network.attempts)
    for sessions in range(1, 8):
        assert await told.session()
        await asyncio.sleep(0.1)
        assert len(network.attempts) == began + sessions


async def test_while_it_is_not_reached_it_is_tried_at_a_pace_and_told_once(told: Told, network: Network) -> None:
    network.down = "no route"
    told.reachability.watch(ENDPOINT)
    await until(lambda: len(network.attempts) == 4)
    assert told.reasons == ["no route"]
    assert min(after - before for before, after in zip(network.times, network.times[1:], strict=False)) > 0.04
    network.down = "another reason"
    await until(lambda: told.reasons == ["no route", "another reason"])
    network.down = ""
    await until(lambda: told.reasons[-1] == "")


async def test_a_session_that_fails_is_a_reason_to_try_and_no_proof(told: Told, network: Network) -> None:
    told.reachability.watch(ENDPOINT)
    await until(lambda: told.reasons == [""])
    network.down = "one lost connection"
    assert not await told.session()
    network.down = ""
    await until(lambda: len(network.attempts) == 3)
    assert told.reasons == [""]
    network.down = "no route"
    assert not await told.session()
    await until(lambda: told.reasons == ["", "no route"])


async def test_many_sessions_that_fail_cause_few_tries(told: Told, network: Network) -> None:
    told.reachability.watch(ENDPOINT)
    await until(lambda: told.reasons == [""])
    network.down = "no route"
    for _ in range(100):
        assert not await told.session()
    await until(lambda: told.reasons == ["", "no route"])
    assert len(network.attempts) - 101 <= 3


async def test_a_session_shows_that_it_is_reached_again(told: Told, network: Network) -> None:
    network.down = "no route"
    told.reachability.watch(ENDPOINT)
    await until(lambda: told.reasons == ["no route"])
    network.down = ""
    assert await told.session()
    assert told.reasons == ["no route", ""]


async def test_of_another_endpoint_nothing_is_known_until_it_is_tried(told: Told, network: Network) -> None:
    told.reachability.watch(ENDPOINT)
    await until(lambda: told.reasons == [""])
    network.down = "no such host"
    told.reachability.watch(OTHER)
    assert told.reachability.report is None
    await until(lambda: told.reasons == ["", "no such host"])
    assert network.attempts[-1] == OTHER
    told.reachability.watch(OTHER)
    assert told.reachability.report is not None
    network.down = ""
    assert await told.session(ENDPOINT)
    assert told.reasons == ["", "no such host"], "a session of the endpoint before says nothing of this one"
