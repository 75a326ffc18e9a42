"""The wiring: policy to sessions and status, readiness, and the end; with doubles for all that is outside."""

from __future__ import annotations

import asyncio
import datetime
import io
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from keyward_api.resources.policy import AgentReport, AgentState, KeyspacesPolicySpec
from keyward_proxy import agent as agent_module
from keyward_proxy.agent import Agent
from keyward_proxy.agent_settings import AgentSettings, Dependencies
from keyward_proxy.audit.writer import AuditWriter
from keyward_proxy.aws.credentials import AssumeRoleRequest, Credentials
from keyward_proxy.aws.errors import IdentityNotInjected
from keyward_proxy.clock import SystemClock
from keyward_proxy.feed import status as status_module
from keyward_proxy.feed.lease import OperatorSigns
from keyward_proxy.feed.replicas import Replica
from keyward_proxy.feed.watch import News, PolicyConfirmed, ReplicasChanged
from keyward_proxy.metrics import Metrics
from keyward_proxy.net.errors import CertificateAuthorityUnusable
from keyward_proxy.net.upstream import TLSConnector
from keyward_proxy.session.cluster import Entrance
from keyward_proxy.session.events import PolicyOutdated
from keyward_proxy.session.secret import Secret
from tests.unit.proxy.net.authorities import make_authority, pem
from tests.unit.proxy.net.relays import Verifier
from tests.unit.proxy.support import policy, policy_document, until

ENDPOINTS_SECONDS = 0.05


class Outside:
    """A policy source, a status sink, STS and an identity, all turned by the test."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[News] = asyncio.Queue()
        self.applied: list[AgentReport | None] = []
        self.injected = True
        self.audit = io.BytesIO()

    async def policies(self) -> AsyncIterator[News]:
        while True:
            yield await self.queue.get()

    async def apply(self, report: AgentReport | None) -> None:
        self.applied.append(report)

    async def assume_role(self, request: AssumeRoleRequest) -> Credentials:
        return Credentials(access_key_id="A", secret_access_key=Secret("s"), session_token=None, expires=0)

    async def caller_identity(self, region: str) -> str:
        return "arn:aws:sts::111122223333:assumed-role/keyward-agent/orders-0"

    def check_identity(self) -> None:
        if not self.injected:
            raise IdentityNotInjected("the webhook did not change this pod")

    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.audit.getvalue().splitlines()]


@pytest.fixture
def outside() -> Outside:
    return Outside()


@pytest.fixture
def stop() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
def make(outside: Outside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Agent]:
    monkeypatch.setattr(status_module, "INTERVAL_SECONDS", 0.02)
    monkeypatch.setattr(status_module, "SETTLE_SECONDS", 0.01)
    authority = make_authority()
    (tmp_path / "tls.crt").write_text(pem(authority))
    (tmp_path / "tls.key").write_bytes(
        authority.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )

    def make(*, signs: OperatorSigns | None = None, **changes: Any) -> Agent:
        metrics = Metrics()
        settings = AgentSettings(
            pod="orders-0",
            pod_ip="127.0.0.1",
            policy="keyward-agents/payments.orders",
            ca_directory=tmp_path,
            server_names=("agent.test",),
            listen=("127.0.0.1", 0),
            health=("127.0.0.1", 0),
            endpoints_seconds=ENDPOINTS_SECONDS,
            settling_seconds=ENDPOINTS_SECONDS,
            longest_endpoints_seconds=1.0,
            drain_seconds=0.2,
            external_listen=("127.0.0.1", 0),
            service_listen=("127.0.0.1", 0),
            listing_seconds=3600.0,
        )
        return Agent(
            replace(settings, **changes),
            Dependencies(
                policy_source=outside,
                status_sink=outside,
                reviewer=Verifier(),  # type: ignore[arg-type]
                sts=outside,
                check_identity=outside.check_identity,
                connector=TLSConnector(),
                audit=AuditWriter(outside.audit, on_lost=metrics.audit_lost.inc),
                clock=SystemClock(),
                metrics=metrics,
                operator_signs=signs,
            ),
        )

    return make


@pytest.fixture
async def agent(make: Callable[[], Agent], stop: asyncio.Event) -> AsyncIterator[Agent]:
    made = make()
    async with asyncio.TaskGroup() as group:
        group.create_task(made.run(stop))
        await until(lambda: made.port != 0)
        yield made
        stop.set()


def reasons(agent: Agent) -> list[str]:
    return [reason.reason for reason in agent.unready()]


async def test_an_agent_is_ready_once_it_has_a_policy(agent: Agent, outside: Outside) -> None:
    assert reasons(agent) == ["PolicyNotSeen"]
    outside.queue.put_nowait(policy())
    await until(lambda: reasons(agent) == [])
    await until(lambda: bool(outside.applied) and bool(outside.applied[-1].roles))
    report = outside.applied[-1]
    assert (report.pod, report.pod_ip, report.ready, report.reason) == ("orders-0", "127.0.0.1", True, "")
    assert report.observed_revision == "r1"
    assert report.identity.endswith("assumed-role/keyward-agent/orders-0")
    assert [(role.db_user, role.assumable) for role in report.roles] == [("KeyspacesReader", True)]
    await until(lambda: outside.applied[-1] is not None and outside.applied[-1].endpoint is not None)
    assert outside.applied[-1].endpoint.reachable is False
    assert "127.0.0.1:9142" in outside.applied[-1].endpoint.reason


async def test_an_agent_without_an_identity_says_so(agent: Agent, outside: Outside) -> None:
    outside.injected = False
    outside.queue.put_nowait(policy())
    await until(lambda: reasons(agent) == ["IdentityNotInjected"])
    await until(lambda: bool(outside.applied))
    assert outside.applied[-1].reason == "IdentityNotInjected: the webhook did not change this pod"
    assert not outside.applied[-1].ready


async def test_a_grant_ends_at_its_time_whoever_is_there_to_say_so(
    make: Callable[..., Agent], outside: Outside, stop: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_module, "MAINTENANCE_SECONDS", 0.01)
    ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=0.5)
    agent = make()
    async with asyncio.TaskGroup() as group:
        group.create_task(agent.run(stop))
        outside.queue.put_nowait(policy(not_after=ends.isoformat()))
        await until(lambda: reasons(agent) == [])
        assert len(agent._view.spec.grants) == 1
        await until(lambda: not agent._view.spec.grants)
        assert datetime.datetime.now(datetime.UTC) >= ends
        assert agent._view.revision == "r1"
        stop.set()


async def test_a_grant_that_has_ended_is_never_in_force(agent: Agent, outside: Outside) -> None:
    outside.queue.put_nowait(policy(not_after="2026-01-01T00:00:00Z"))
    await until(lambda: reasons(agent) == [])
    assert not agent._view.spec.grants


async def test_a_lock_ends_at_its_time_whoever_is_there_to_say_so(
    make: Callable[..., Agent], outside: Outside, stop: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_module, "MAINTENANCE_SECONDS", 0.01)
    ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=0.5)
    agent = make()
    async with asyncio.TaskGroup() as group:
        group.create_task(agent.run(stop))
        outside.queue.put_nowait(policy(locks=({"name": "incident", "notAfter": ends.isoformat()},)))
        await until(lambda: reasons(agent) == [])
        assert len(agent._view.spec.locks) == 1
        await until(lambda: not agent._view.spec.locks)
        assert datetime.datetime.now(datetime.UTC) >= ends
        stop.set()
    assert outside.records()[1]["locks"] == 1


async def test_an_agent_that_is_locked_itself_is_not_ready_so_that_others_are_asked(
    agent: Agent, outside: Outside
) -> None:
    outside.queue.put_nowait(policy(locks=({"name": "all"}, {"name": "other", "agent": "orders-1"})))
    await until(lambda: reasons(agent) == [])
    outside.queue.put_nowait(policy(revision="r2", locks=({"name": "this", "agent": "orders-0"},)))
    await until(lambda: reasons(agent) == ["Locked"])
    await until(lambda: bool(outside.applied) and outside.applied[-1].reason.startswith("Locked"))
    assert outside.applied[-1].state is AgentState.STARTING
    outside.queue.put_nowait(policy(revision="r3"))
    await until(lambda: reasons(agent) == [])


class Signs:
    """Signs of life, given by the test."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[float] = asyncio.Queue()

    async def ages(self) -> AsyncIterator[float]:
        while True:
            yield await self.queue.get()


def stale_after_30_seconds(on_stale: str, **changes: Any) -> KeyspacesPolicySpec:
    document = policy_document(**changes)
    document["database"]["staleness"] = {"maxStalenessSeconds": 30, "onStale": on_stale}
    return KeyspacesPolicySpec.model_validate(document)


@pytest.mark.parametrize("on_stale", ["RefuseNew", "CloseAll"])
async def test_an_agent_that_starts_while_the_operator_is_away_is_ready_and_refuses_until_it_is_back(
    make: Callable[..., Agent],
    outside: Outside,
    stop: asyncio.Event,
    monkeypatch: pytest.MonkeyPatch,
    on_stale: str,
) -> None:
    monkeypatch.setattr(agent_module, "MAINTENANCE_SECONDS", 0.01)
    signs, told = Signs(), []
    agent = make(signs=signs)
    monkeypatch.setattr(agent._server, "tell", lambda make: told.append(make(now=0.0, wall=0.0)))
    async with asyncio.TaskGroup() as group:
        group.create_task(agent.run(stop))
        signs.queue.put_nowait(31.0)
        outside.queue.put_nowait(stale_after_30_seconds(on_stale))
        await until(lambda: agent._shared.staleness.refusal is not None)
        assert reasons(agent) == []
        assert [warning.reason for warning in agent._warnings()] == ["PolicyStale"]
        signs.queue.put_nowait(0.0)
        await until(lambda: agent._shared.staleness.refusal is None)
        assert agent._warnings() == []
        stop.set()
    closed = [event for event in told if isinstance(event, PolicyOutdated)]
    assert len(closed) == (on_stale == "CloseAll")


async def test_confirmations_are_proofs_and_lists_of_agents_are_none(
    make: Callable[..., Agent], outside: Outside, stop: asyncio.Event
) -> None:
    agent = make(signs=Signs())
    async with asyncio.TaskGroup() as group:
        group.create_task(agent.run(stop))
        for news, is_proof in ((policy(), True), (listed("orders-0"), False), (PolicyConfirmed(), True)):
            agent._age._policy_at = 0.0
            outside.queue.put_nowait(news)
            await until(outside.queue.empty)
            await asyncio.sleep(0)
            assert (agent._age._policy_at > 0) is is_proof
        assert [record["event"] for record in outside.records()] == ["agent.start", "policy.changed"]
        stop.set()


async def test_without_an_operator_no_policy_is_stale(
    make: Callable[..., Agent], outside: Outside, stop: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_module, "MAINTENANCE_SECONDS", 0.01)
    agent = make()
    agent._age.operator_worked(1e6)
    async with asyncio.TaskGroup() as group:
        group.create_task(agent.run(stop))
        outside.queue.put_nowait(policy())
        await until(lambda: reasons(agent) == [])
        await until(lambda: len(outside.applied) > 0)
        assert agent._shared.staleness.refusal is None
        stop.set()


async def test_a_policy_that_goes_takes_every_grant_with_it(agent: Agent, outside: Outside) -> None:
    outside.queue.put_nowait(policy())
    await until(lambda: reasons(agent) == [])
    outside.queue.put_nowait(None)
    await until(lambda: reasons(agent) == ["PolicyNotSeen"])
    assert agent._view.spec.grants == ()
    outside.queue.put_nowait(policy(revision="r2"))
    await until(lambda: reasons(agent) == [])
    await until(lambda: len(outside.records()) == 4)
    assert [record["event"] for record in outside.records()] == [
        "agent.start",
        "policy.changed",
        "policy.removed",
        "policy.changed",
    ]
    assert outside.records()[1]["policyRevision"] == "r1"
    assert outside.records()[1]["database"] == "orders"


def listed(*pods: str, state: AgentState = AgentState.SERVING) -> ReplicasChanged:
    """These agents are in the policy's status; `orders-0` is the one under test."""
    addresses = {pod: ip_address(f"127.0.0.{1 + int(pod.removeprefix('orders-'))}") for pod in pods}
    return ReplicasChanged(replicas=tuple(Replica(pod=pod, address=addresses[pod], state=state) for pod in pods))


def peers(agent: Agent, entrance: Entrance = Entrance.REPLICAS) -> list[str]:
    """Addresses of the other agents; their Service, which is a node too, is always the last."""
    found = [str(peer.address) for peer in agent._nodes.seen_through(entrance).peers]
    if entrance is Entrance.REPLICAS:
        assert found.pop() == "10.96.0.10"
    return found


async def test_an_agent_is_ready_once_the_others_list_it(agent: Agent, outside: Outside) -> None:
    for news in (listed("orders-1"), policy()):
        outside.queue.put_nowait(news)
    await until(lambda: reasons(agent) == ["NotListed"])
    await until(lambda: bool(outside.applied) and outside.applied[-1].state is AgentState.SERVING)
    assert outside.applied[-1].ready
    outside.queue.put_nowait(listed("orders-0", "orders-1", state=AgentState.STARTING))
    outside.queue.put_nowait(listed("orders-0", "orders-1"))
    await until(lambda: reasons(agent) == [])
    outside.queue.put_nowait(listed("orders-1"))
    await until(lambda: outside.queue.empty())
    assert reasons(agent) == []


async def test_the_other_agents_are_peers_inside_and_nothing_outside(agent: Agent, outside: Outside) -> None:
    for news in (listed("orders-0", "orders-1"), policy()):
        outside.queue.put_nowait(news)
    await until(lambda: reasons(agent) == [])
    assert peers(agent) == ["127.0.0.2"]
    outside.queue.put_nowait(listed("orders-0", "orders-1", "orders-2"))
    await until(lambda: peers(agent) == ["127.0.0.2", "127.0.0.3"])
    assert peers(agent, Entrance.EXTERNAL) == []
    assert str(agent._nodes.seen_through(Entrance.EXTERNAL).local.address) == "10.96.0.10"
    assert [record["event"] for record in outside.records()] == ["agent.start", "policy.changed"]


async def test_through_the_service_it_is_the_node_and_all_agents_are_its_peers(agent: Agent, outside: Outside) -> None:
    for news in (listed("orders-1"), policy()):
        outside.queue.put_nowait(news)
    await until(lambda: reasons(agent) == ["NotListed"])
    assert peers(agent) == ["127.0.0.2"]
    there, here = (agent._nodes.seen_through(entrance) for entrance in (Entrance.SERVICE, Entrance.REPLICAS))
    assert str(there.local.address) == "10.96.0.10"
    assert {here.local, *here.peers} == {there.local, *there.peers}
    assert len(there.peers) == 2


async def test_without_a_service_the_agent_is_the_node_everywhere(agent: Agent, outside: Outside) -> None:
    document = policy_document()
    document["database"]["serviceAddress"] = ""
    outside.queue.put_nowait(KeyspacesPolicySpec.model_validate(document))
    await until(lambda: reasons(agent) == [])
    for entrance in Entrance:
        assert str(agent._nodes.seen_through(entrance).local.address) == "127.0.0.1"


async def test_each_entrance_has_a_port(agent: Agent) -> None:
    await until(lambda: bool(agent.service_port))
    assert len({agent.port, agent.external_port, agent.service_port}) == 3


async def test_an_agent_that_drains_is_still_a_peer_and_one_that_starts_is_not_yet(
    agent: Agent, outside: Outside
) -> None:
    outside.queue.put_nowait(policy())
    for state, expected in (
        (AgentState.SERVING, ["127.0.0.2"]),
        (AgentState.DRAINING, ["127.0.0.2"]),
        (AgentState.STARTING, []),
    ):
        outside.queue.put_nowait(listed("orders-1", state=state))
        await until(outside.queue.empty)
        assert peers(agent) == expected


async def test_the_external_port_is_open_until_the_end(agent: Agent, stop: asyncio.Event) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", agent.external_port)
    writer.close()
    assert agent.external_port != agent.port
    stop.set()
    await until(lambda: not agent._server.listening)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", agent.external_port)


async def test_sessions_do_not_end_while_another_agent_starts(
    agent: Agent, outside: Outside, stop: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_module, "SETTLING_LOOK_SECONDS", 0.01)
    for news in (policy(), listed("orders-0"), listed("orders-1", state=AgentState.STARTING)):
        outside.queue.put_nowait(news)
    await until(outside.queue.empty)
    stop.set()
    await until(lambda: "Draining" in reasons(agent))
    await asyncio.sleep(4 * ENDPOINTS_SECONDS)
    assert agent._server.listening
    outside.queue.put_nowait(listed("orders-1"))
    await until(lambda: not agent._server.listening)


async def test_agents_that_start_and_start_hold_no_end_up(
    make: Callable[..., Agent], outside: Outside, stop: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_module, "SETTLING_LOOK_SECONDS", 0.01)
    for news in (policy(), listed("orders-1", state=AgentState.STARTING)):
        outside.queue.put_nowait(news)
    agent = make(longest_endpoints_seconds=0.1)
    async with asyncio.TaskGroup() as group:
        group.create_task(agent.run(stop))
        await until(lambda: agent.port != 0)
        await until(outside.queue.empty)
        stop.set()
    assert outside.records()[-1]["event"] == "agent.stop"


async def test_an_agent_that_drains_says_so_before_its_entry_goes(
    agent: Agent, outside: Outside, stop: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_module, "INTERVAL_SECONDS", 3600.0)
    outside.queue.put_nowait(policy())
    await until(lambda: bool(outside.applied) and outside.applied[-1].state is AgentState.SERVING)
    stop.set()
    await until(lambda: outside.applied[-1] is None)
    assert outside.applied[-2].state is AgentState.DRAINING
    assert not outside.applied[-2].ready


async def test_the_end_is_told_in_status_readiness_and_trail(
    agent: Agent, outside: Outside, stop: asyncio.Event
) -> None:
    outside.queue.put_nowait(policy())
    await until(lambda: reasons(agent) == [])
    await until(lambda: bool(outside.applied))
    stop.set()
    await until(lambda: "Draining" in reasons(agent))
    await until(lambda: outside.applied[-1] is None)
    await until(lambda: outside.records()[-1]["event"] == "agent.stop")
    assert outside.records()[-1]["reason"] == "stopped"
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", agent.port)


async def test_an_agent_without_a_ca_does_not_start_and_its_trail_says_so(
    make: Callable[[], Agent], outside: Outside, tmp_path: Path, stop: asyncio.Event
) -> None:
    (tmp_path / "tls.key").unlink()
    with pytest.raises(CertificateAuthorityUnusable):
        await make().run(stop)
    assert [record["event"] for record in outside.records()] == ["agent.start", "agent.stop"]
    assert outside.records()[-1]["reason"] == "failed"


async def test_agents_that_serve_share_the_requests_that_the_database_allows(agent: Agent, outside: Outside) -> None:
    limited = policy_document()
    limited["database"]["limits"] = {"requestsPerSecond": 90}
    outside.queue.put_nowait(KeyspacesPolicySpec.model_validate(limited))
    await until(outside.queue.empty)
    assert agent._shared.budget.rate == 90
    outside.queue.put_nowait(listed("orders-0", "orders-1", "orders-2"))
    await until(lambda: agent._shared.budget.rate == 30)
    outside.queue.put_nowait(listed("orders-0", state=AgentState.DRAINING))
    await until(lambda: agent._shared.budget.rate == 90)
    outside.queue.put_nowait(policy())
    await until(lambda: agent._shared.budget.rate is None)
