"""The agent's own entry follows the truth, not too often, and goes with the agent."""

from __future__ import annotations

import asyncio

import pytest

from keyward_api.resources.policy import AgentReport, AgentState
from keyward_proxy.feed import status as module
from keyward_proxy.feed.status import KubernetesStatusSink, StatusReporter
from keyward_proxy.kubernetes_api import KubernetesAPI, KubernetesUnavailable
from keyward_proxy.tasks import TaskHolder
from tests.unit.proxy.apiserver import MiniatureAPIServer
from tests.unit.proxy.support import until


def report(**changes: object) -> AgentReport:
    known = {"identity": "arn:aws:sts::111122223333:assumed-role/agent/0", "endpoint": {"reachable": True}}
    return AgentReport.model_validate({"pod": "agent-0", "podIP": "10.0.0.1", "ready": True} | known | changes)


class ListeningSink:
    """Remembers what was applied, and when."""

    def __init__(self) -> None:
        self.applied: list[AgentReport | None] = []
        self.times: list[float] = []
        self.failures = 0

    async def apply(self, applied: AgentReport | None) -> None:
        self.times.append(asyncio.get_running_loop().time())
        if self.failures:
            self.failures -= 1
            raise KubernetesUnavailable("503")
        self.applied.append(applied)


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> ListeningSink:
    monkeypatch.setattr(module, "INTERVAL_SECONDS", 0.05)
    monkeypatch.setattr(module, "SETTLE_SECONDS", 0.01)
    return ListeningSink()


@pytest.fixture
async def reporter(sink: ListeningSink, tasks: TaskHolder) -> StatusReporter:
    made = StatusReporter(sink)
    tasks.start(made.run(), name="reporter")
    return made


async def test_changes_go_out_together_and_not_too_often(reporter: StatusReporter, sink: ListeningSink) -> None:
    for revision in ("r1", "r2"):
        reporter.report(report(observedRevision=revision))
    await until(lambda: len(sink.applied) == 1)
    for revision in ("r3", "r4"):
        reporter.report(report(observedRevision=revision))
    await until(lambda: len(sink.applied) == 2)
    assert [applied.observed_revision for applied in sink.applied] == ["r2", "r4"]
    assert sink.times[1] - sink.times[0] >= 0.049


@pytest.mark.parametrize(
    "unknown", [{"identity": ""}, {"endpoint": None}, {"roles": [{"dbUser": "Reader", "assumable": False}]}]
)
async def test_what_a_database_is_not_ready_without_does_not_wait_for_long(
    reporter: StatusReporter, sink: ListeningSink, monkeypatch: pytest.MonkeyPatch, unknown: dict[str, object]
) -> None:
    monkeypatch.setattr(module, "INTERVAL_SECONDS", 3600.0)
    monkeypatch.setattr(module, "EARLY_SECONDS", 0.05)
    reporter.report(report(**unknown))
    await until(lambda: len(sink.applied) == 1)
    reporter.report(report())
    await until(lambda: len(sink.applied) == 2)
    assert sink.times[1] - sink.times[0] >= 0.049
    reporter.report(report(observedRevision="r2"))
    await asyncio.sleep(0.1)
    assert len(sink.applied) == 2


async def test_a_role_that_is_never_assumable_makes_no_entry_hurry_for_ever(
    reporter: StatusReporter, sink: ListeningSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "INTERVAL_SECONDS", 0.2)
    monkeypatch.setattr(module, "EARLY_SECONDS", 0.0)
    monkeypatch.setattr(module, "FIRST_SECONDS", 0.0)
    refused = [{"dbUser": "Reader", "assumable": False}]
    reporter.report(report(roles=refused))
    await until(lambda: len(sink.applied) == 1)
    reporter.report(report(roles=refused, observedRevision="r2"))
    await until(lambda: len(sink.applied) == 2)
    assert sink.times[1] - sink.times[0] >= 0.19


async def test_an_entry_that_could_not_be_applied_is_not_tried_more_often_for_that(
    reporter: StatusReporter, sink: ListeningSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "INTERVAL_SECONDS", 3600.0)
    monkeypatch.setattr(module, "EARLY_SECONDS", 0.0)
    sink.failures = 1
    reporter.report(report(identity=""))
    await until(lambda: len(sink.times) == 1)
    await asyncio.sleep(0.05)
    assert len(sink.times) == 1


async def test_a_change_of_state_does_not_wait(
    reporter: StatusReporter, sink: ListeningSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "INTERVAL_SECONDS", 3600.0)
    monkeypatch.setattr(module, "SETTLE_SECONDS", 1800.0)
    for state in (AgentState.STARTING, AgentState.SERVING, AgentState.DRAINING):
        reporter.report(report(state=state))
        await until(lambda state=state: bool(sink.applied) and sink.applied[-1].state is state)  # type: ignore[misc]
    reporter.report(report(state=AgentState.DRAINING, observedRevision="r9"))
    await asyncio.sleep(0.05)
    assert len(sink.applied) == 3


async def test_a_change_of_state_that_was_not_applied_is_tried_again_when_it_is_reported_again(
    reporter: StatusReporter, sink: ListeningSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "INTERVAL_SECONDS", 3600.0)
    sink.failures = 1
    reporter.report(report(state=AgentState.DRAINING))
    await until(lambda: len(sink.times) == 1)
    assert not sink.applied
    reporter.report(report(state=AgentState.DRAINING))
    await until(lambda: len(sink.applied) == 1)


async def test_what_did_not_change_is_not_applied(reporter: StatusReporter, sink: ListeningSink) -> None:
    reporter.report(report())
    await until(lambda: len(sink.applied) == 1)
    for _ in range(5):
        reporter.report(report())
        await asyncio.sleep(0.03)
    assert len(sink.applied) == 1


async def test_what_failed_is_tried_again(reporter: StatusReporter, sink: ListeningSink) -> None:
    sink.failures = 2
    reporter.report(report())
    await until(lambda: len(sink.applied) == 1)
    assert len(sink.times) == 3


async def test_the_entry_is_applied_by_the_pods_own_manager(api: KubernetesAPI, server: MiniatureAPIServer) -> None:
    sink = KubernetesStatusSink(api, namespace="keyward-agents", name="policy", pod="agent-0")
    await sink.apply(report(roles=[{"dbUser": "KeyspacesReader", "assumable": True}]))
    await sink.apply(None)
    (query, body), (_, removal) = server.applied
    assert query == {"fieldManager": "keyward-agent-agent-0", "force": "true"}
    [request, _] = server.asked("PATCH")
    assert request.path == "/apis/keyward.dev/v1alpha1/namespaces/keyward-agents/keyspacespolicies/policy/status"
    assert request.headers["Content-Type"] == "application/apply-patch+yaml"
    [entry] = body["status"]["agents"]
    assert (entry["pod"], entry["podIP"]) == ("agent-0", "10.0.0.1")
    assert entry["roles"] == [{"dbUser": "KeyspacesReader", "assumable": True, "reason": ""}]
    assert removal["status"] == {}


async def test_a_refusal_is_an_error_of_ours(api: KubernetesAPI, server: MiniatureAPIServer) -> None:
    server.failing = 403
    sink = KubernetesStatusSink(api, namespace="keyward-agents", name="policy", pod="agent-0")
    with pytest.raises(KubernetesUnavailable, match="403") as caught:
        await sink.apply(report())
    assert caught.value.status == 403


async def test_removing_an_entry_never_fails_the_end(sink: ListeningSink) -> None:
    sink.failures = 1
    await StatusReporter(sink).remove()
    await StatusReporter(sink).remove()
    assert sink.applied == [None]


async def test_an_object_that_was_made_again_gets_the_entry_again(
    reporter: StatusReporter, sink: ListeningSink
) -> None:
    reporter.report(report())
    await until(lambda: len(sink.applied) == 1)
    reporter.forget()
    await until(lambda: len(sink.applied) == 2)
    assert sink.applied[0] == sink.applied[1]


@pytest.mark.parametrize("turns", range(6))
async def test_an_end_that_comes_with_an_urgent_report_is_an_end(
    sink: ListeningSink, tasks: TaskHolder, turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when an agent drains and has no connection to wait for."""
    monkeypatch.setattr(module, "INTERVAL_SECONDS", 3600.0)
    reporter = StatusReporter(sink)
    running = tasks.start(reporter.run(), name="reporter")
    reporter.report(report())
    await until(lambda: len(sink.applied) == 1)
    await asyncio.sleep(0)
    reporter.report(report(state=AgentState.DRAINING))
    for _ in range(turns):
        await asyncio.sleep(0)
    running.cancel()
    done, _ = await asyncio.wait([running], timeout=1)
    assert done
