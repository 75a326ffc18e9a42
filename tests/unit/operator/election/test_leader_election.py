"""Elections by a virtual clock, against a Lease that is kept as the API server keeps it: by resourceVersion."""

import copy
from typing import Any, cast

import pytest

from keyward_operator import kinds
from keyward_operator.clients.errors import ApiError, ConflictError
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.election.leader_election import (
    LEASE_DURATION,
    RELEASE_ATTEMPTS,
    RENEW_DEADLINE,
    REQUEST_TIMEOUT,
    RETRY,
    LeaderElection,
)
from keyward_operator.errors import LeadershipLostError
from keyward_operator.kinds import Kind, Reference

LEASE = Reference(kind=kinds.LEASE, namespace="keyward-system", name="keyward-operator")
Json = dict[str, Any]


class Server:
    """Keeps one Lease; every request takes `latency` seconds of the candidate's clock."""

    def __init__(self, clock: "Clock") -> None:
        self.lease: Json | None = None
        self.down = False
        self.latency = 0.0
        self.requests = 0
        self.failing_writes = 0
        self._clock = clock

    async def get(self, reference: Reference) -> Json | None:
        self._serve()
        return copy.deepcopy(self.lease)

    async def create(self, manifest: Json, *, kind: Kind) -> Json:
        self._serve()
        if self.lease is not None:
            raise ConflictError("it exists", status=409)
        return self._store(manifest["spec"])

    async def merge_patch(self, reference: Reference, patch: Json) -> Json:
        self._serve()
        assert self.lease is not None
        if self.failing_writes:
            self.failing_writes -= 1
            raise ApiError("too slow", status=0)
        if patch["metadata"]["resourceVersion"] != self.lease["metadata"]["resourceVersion"]:
            raise ConflictError("it changed", status=409)
        return self._store(patch["spec"])

    def _serve(self) -> None:
        self.requests += 1
        self._clock.now += self.latency
        if self.down:
            raise ApiError("no answer", status=0)

    def _store(self, spec: Json) -> Json:
        version = int(self.lease["metadata"]["resourceVersion"]) + 1 if self.lease else 1
        self.lease = {"metadata": {"resourceVersion": str(version)}, "spec": spec}
        return copy.deepcopy(self.lease)

    @property
    def holder(self) -> str:
        return str(self.lease["spec"]["holderIdentity"]) if self.lease else ""


class Clock:
    """Monotonic seconds; whoever sleeps lets them pass. `events` happen at their time."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.events: list[tuple[float, Any]] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        for event in [event for event in self.events if event[0] <= self.now]:
            self.events.remove(event)
            event[1]()


class Stop(Exception):
    """Ends an endless wait."""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(clock: Clock) -> Server:
    return Server(clock)


def candidate(server: Server, clock: Clock, identity: str) -> LeaderElection:
    api = cast(KubernetesApi, server)
    return LeaderElection(api, lease=LEASE, identity=identity, clock=clock, sleep=clock.sleep)


def stop_after(clock: Clock, seconds: float) -> None:
    def stop() -> None:
        raise Stop

    clock.events.append((clock.now + seconds, stop))


async def test_the_first_candidate_makes_the_lease(server: Server, clock: Clock) -> None:
    election = candidate(server, clock, "a")
    await election.acquire()
    assert server.holder == "a"
    assert election.leads
    assert election.observed.is_set()
    assert server.lease is not None
    assert server.lease["spec"]["leaseDurationSeconds"] == LEASE_DURATION


async def test_while_the_leader_renews_nobody_else_leads(server: Server, clock: Clock) -> None:
    leader, standby = candidate(server, clock, "a"), candidate(server, clock, "b")
    await leader.acquire()

    def renew() -> None:
        assert server.lease is not None
        version = int(server.lease["metadata"]["resourceVersion"]) + 1
        server.lease["metadata"]["resourceVersion"] = str(version)
        clock.events.append((clock.now + RETRY, renew))

    clock.events.append((clock.now, renew))
    stop_after(clock, 300)
    with pytest.raises(Stop):
        await standby.acquire()
    assert server.holder == "a"
    assert standby.observed.is_set()


async def test_a_silent_leader_is_succeeded_after_the_duration_and_not_before(server: Server, clock: Clock) -> None:
    await candidate(server, clock, "a").acquire()
    begin = clock.now
    await candidate(server, clock, "b").acquire()
    assert server.holder == "b"
    assert LEASE_DURATION < clock.now - begin <= LEASE_DURATION + 0.1
    assert server.lease is not None
    assert server.lease["spec"]["leaseTransitions"] == 1


async def test_who_finds_the_lease_free_and_cannot_take_it_tries_again_after_a_while(
    server: Server, clock: Clock
) -> None:
    await candidate(server, clock, "a").acquire()
    server.failing_writes = 1000
    stop_after(clock, LEASE_DURATION + 20)
    with pytest.raises(Stop):
        await candidate(server, clock, "b").acquire()
    assert server.failing_writes >= 1000 - 20 / RETRY - 1


async def test_a_released_lease_is_taken_at_once(server: Server, clock: Clock) -> None:
    first = candidate(server, clock, "a")
    await first.acquire()
    await first.release()
    assert server.holder == ""
    begin = clock.now
    await candidate(server, clock, "b").acquire()
    assert clock.now == begin


async def test_a_renewal_that_was_cut_off_but_done_does_not_keep_the_lease_from_being_released(
    server: Server, clock: Clock
) -> None:
    election = candidate(server, clock, "a")
    await election.acquire()
    assert server.lease is not None
    server._store(server.lease["spec"])
    await election.release()
    assert server.holder == ""


@pytest.mark.parametrize("failures", [1, 2, 3, 100])
async def test_a_release_is_tried_a_few_times(server: Server, clock: Clock, failures: int) -> None:
    election = candidate(server, clock, "a")
    await election.acquire()
    server.failing_writes, server.requests = failures, 0
    await election.release()
    assert server.holder == ("" if failures < RELEASE_ATTEMPTS else "a")
    assert server.requests <= 2 * RELEASE_ATTEMPTS


async def test_nobody_releases_what_another_has_taken(server: Server, clock: Clock) -> None:
    election = candidate(server, clock, "a")
    await election.acquire()
    assert server.lease is not None
    server._store(server.lease["spec"] | {"holderIdentity": "b"})
    await election.release()
    assert server.holder == "b"


async def test_a_standby_releases_nothing(server: Server, clock: Clock) -> None:
    await candidate(server, clock, "a").acquire()
    standby = candidate(server, clock, "b")
    stop_after(clock, 5)
    with pytest.raises(Stop):
        await standby.acquire()
    await standby.release()
    assert server.holder == "a"


async def test_the_leader_keeps_the_lease_over_a_short_outage(server: Server, clock: Clock) -> None:
    election = candidate(server, clock, "a")
    await election.acquire()
    clock.events += [
        (clock.now + 10, lambda: setattr(server, "down", True)),
        (clock.now + 16, lambda: setattr(server, "down", False)),
    ]
    stop_after(clock, 60)
    with pytest.raises(Stop):
        await election.keep()
    assert server.holder == "a"


@pytest.mark.parametrize("latency", [0.0, REQUEST_TIMEOUT])
async def test_the_leader_gives_up_before_anybody_may_succeed_it(server: Server, clock: Clock, latency: float) -> None:
    election = candidate(server, clock, "a")
    await election.acquire()
    begin = clock.now
    server.down, server.latency = True, latency
    with pytest.raises(LeadershipLostError):
        await election.keep()
    assert RENEW_DEADLINE < clock.now - begin < LEASE_DURATION


async def test_a_leader_that_was_robbed_does_not_rob_back(server: Server, clock: Clock) -> None:
    election = candidate(server, clock, "a")
    await election.acquire()
    assert server.lease is not None
    server.lease["spec"] |= {"holderIdentity": "b", "leaseDurationSeconds": 3600}
    server.lease["metadata"]["resourceVersion"] = "77"
    with pytest.raises(LeadershipLostError):
        await election.keep()
    assert server.holder == "b"


async def test_a_clock_that_stood_still_is_noticed_before_anything_is_renewed(server: Server, clock: Clock) -> None:
    election = candidate(server, clock, "a")
    await election.acquire()
    clock.events.append((clock.now + RETRY, lambda: setattr(clock, "now", clock.now + 60)))
    requests = server.requests
    with pytest.raises(LeadershipLostError):
        await election.keep()
    assert server.requests == requests


def test_requests_are_shorter_than_the_time_between_them() -> None:
    assert REQUEST_TIMEOUT < RETRY < RENEW_DEADLINE < LEASE_DURATION
