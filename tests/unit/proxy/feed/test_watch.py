"""The policy reaches the agent at once, survives what watches suffer, and is never older than it must be."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from keyward_proxy import kubernetes_api
from keyward_proxy.feed import watch as module
from keyward_proxy.feed.watch import KubernetesPolicySource, PolicyConfirmed, ReplicasChanged
from keyward_proxy.kubernetes_api import KubernetesAPI
from keyward_proxy.tasks import TaskHolder
from tests.unit.proxy.apiserver import MiniatureAPIServer
from tests.unit.proxy.support import policy_document, until


def agent(pod: str, address: str, **more: str) -> dict[str, str]:
    return {"pod": pod, "podIP": address, "state": "Serving"} | more


@pytest.fixture
def replicas() -> list[list[str]]:
    """Lists of agents in the order in which they were told."""
    return []


@pytest.fixture
def confirmed() -> list[str | None]:
    """The revision in force at each confirmation."""
    return []


@pytest.fixture
async def seen(
    server: MiniatureAPIServer,
    api: KubernetesAPI,
    tasks: TaskHolder,
    replicas: list[list[str]],
    confirmed: list[str | None],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[list[str | None]]:
    """Revisions in the order in which they came into force; None: no policy."""
    monkeypatch.setattr(module, "FIRST_BACKOFF_SECONDS", 0.01)
    revisions: list[str | None] = []

    async def follow() -> None:
        source = KubernetesPolicySource(api, namespace="keyward-agents", name="policy")
        async for news in source.policies():
            if isinstance(news, ReplicasChanged):
                replicas.append([replica.pod for replica in news.replicas])
            elif isinstance(news, PolicyConfirmed):
                confirmed.append(revisions[-1])
            else:
                revisions.append(news.revision if news else None)

    task = tasks.start(follow(), name="follow")
    yield revisions
    assert not task.done(), task.exception()


async def test_the_present_policy_comes_first_then_each_change(
    server: MiniatureAPIServer, seen: list[str | None]
) -> None:
    server.put(policy_document(revision="r1"))
    await until(lambda: seen == ["r1"] and server.watching == 1)
    server.put(policy_document(revision="r2"))
    await until(lambda: seen == ["r1", "r2"])
    [watch] = server.asked("GET", watch=True)
    assert watch.query["fieldSelector"] == "metadata.name=policy"
    assert watch.query["allowWatchBookmarks"] == "true"
    assert watch.query["resourceVersion"] == "101"
    assert len(server.asked("GET")) == 1


async def test_a_change_of_status_alone_is_no_new_policy(server: MiniatureAPIServer, seen: list[str | None]) -> None:
    server.put(policy_document(revision="r1"))
    await until(lambda: server.watching == 1)
    server.put(policy_document(revision="r1"))
    server.put(policy_document(revision="r2"))
    await until(lambda: seen == ["r1", "r2"])


async def test_the_agents_are_told_ahead_of_the_policy_and_at_each_change(
    server: MiniatureAPIServer, seen: list[str | None], replicas: list[list[str]]
) -> None:
    server.report(agent("a", "10.1.0.1"))
    server.put(policy_document(revision="r1"))
    await until(lambda: seen == ["r1"] and server.watching == 1)
    assert replicas[-1] == ["a"]
    server.report(agent("a", "10.1.0.1"), agent("b", "10.1.0.2"))
    await until(lambda: replicas[-1] == ["a", "b"])
    server.report(agent("a", "10.1.0.1", observedRevision="r1"), agent("b", "10.1.0.2"))
    server.report(agent("b", "10.1.0.2"))
    await until(lambda: replicas[-1] == ["b"])
    assert replicas[-3:] == [["a"], ["a", "b"], ["b"]]
    assert seen == ["r1"]


async def test_a_policy_that_goes_takes_the_agents_with_it(
    server: MiniatureAPIServer, seen: list[str | None], replicas: list[list[str]]
) -> None:
    server.report(agent("a", "10.1.0.1"))
    server.put(policy_document(revision="r1"))
    await until(lambda: seen == ["r1"] and server.watching == 1)
    server.remove()
    await until(lambda: seen == ["r1", None] and replicas[-1] == [])


async def test_a_policy_that_comes_later_or_goes_is_told(server: MiniatureAPIServer, seen: list[str | None]) -> None:
    await until(lambda: seen == [None] and server.watching == 1)
    server.put(policy_document(revision="r1"))
    await until(lambda: seen == [None, "r1"])
    server.remove()
    await until(lambda: seen == [None, "r1", None])
    server.put(policy_document(revision="r1"))
    await until(lambda: seen == [None, "r1", None, "r1"])


async def test_a_watch_that_ends_goes_on_from_the_last_bookmark(
    server: MiniatureAPIServer, seen: list[str | None]
) -> None:
    server.put(policy_document(revision="r1"))
    await until(lambda: server.watching == 1)
    server.bookmark()
    server.end_watches()
    await until(lambda: len(server.asked("GET", watch=True)) == 2)
    assert server.asked("GET", watch=True)[1].query["resourceVersion"] == "102"
    assert len(server.asked("GET")) == 1


async def test_after_410_the_object_is_got_again(server: MiniatureAPIServer, seen: list[str | None]) -> None:
    server.put(policy_document(revision="r1"))
    await until(lambda: server.watching == 1)
    missed = policy_document(revision="r2")
    server.object["spec"] = missed
    server.send({"type": "ERROR", "object": {"code": 410, "message": "too old resource version"}})
    await until(lambda: seen == ["r1", "r2"])


async def test_a_silent_watch_is_given_up(
    server: MiniatureAPIServer, seen: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kubernetes_api, "SILENCE_SECONDS", 0.1)
    server.put(policy_document(revision="r1"))
    await until(lambda: server.watching == 1)
    server.object["spec"] = policy_document(revision="r2")
    await until(lambda: seen == ["r1", "r2"])


async def test_while_the_api_server_is_away_the_last_policy_stays(
    server: MiniatureAPIServer, seen: list[str | None]
) -> None:
    server.put(policy_document(revision="r1"))
    await until(lambda: server.watching == 1)
    server.failing = 503
    server.end_watches()
    await until(lambda: len(server.requests) > 4)
    assert seen == ["r1"]
    server.failing = 0
    server.object["spec"] = policy_document(revision="r2")
    await until(lambda: seen == ["r1", "r2"])


async def test_an_unreadable_policy_leaves_the_last_one_in_force(
    server: MiniatureAPIServer, seen: list[str | None]
) -> None:
    server.put(policy_document(revision="r1"))
    await until(lambda: server.watching == 1)
    server.put({"revision": "r2"})
    server.put(policy_document(revision="r3"))
    await until(lambda: seen == ["r1", "r3"])


async def test_events_and_bookmarks_confirm_the_policy(
    server: MiniatureAPIServer, seen: list[str | None], confirmed: list[str | None]
) -> None:
    server.put(policy_document(revision="r1"))
    await until(lambda: server.watching == 1)
    assert confirmed == []
    server.bookmark()
    await until(lambda: confirmed == ["r1"])
    server.report(agent("a", "10.1.0.1"))
    await until(lambda: confirmed == ["r1", "r1"])
    server.remove()
    server.bookmark()
    await until(lambda: confirmed == ["r1", "r1", None])
    assert len(server.asked("GET")) == 1


async def test_in_a_silence_the_object_s_version_alone_is_asked_for(
    server: MiniatureAPIServer, seen: list[str | None], confirmed: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SILENCE_SECONDS", 0.02)
    server.put(policy_document(revision="r1"))
    server.bookmark()
    await until(lambda: confirmed[-3:] == ["r1"] * 3)
    whole, *looks = server.asked("GET")
    assert "PartialObjectMetadata" not in whole.headers["Accept"]
    assert all("as=PartialObjectMetadata" in look.headers["Accept"] for look in looks)
    assert len(server.asked("GET", watch=True)) == 1
    server.put(policy_document(revision="r2"))
    await until(lambda: confirmed[-1] == "r2")
    server.remove()
    await until(lambda: confirmed[-1] is None)
    assert len(server.asked("GET", watch=True)) == 1


async def test_a_watch_that_owes_a_version_is_begun_anew(
    server: MiniatureAPIServer, seen: list[str | None], confirmed: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SILENCE_SECONDS", 0.05)
    server.put(policy_document(revision="r1"))
    await until(lambda: server.watching == 1)
    server.object = {"metadata": {"resourceVersion": "150"}, "spec": policy_document(revision="r2")}
    await until(lambda: seen == ["r1", "r2"])
    assert len(server.asked("GET", watch=True)) >= 1
    await until(lambda: confirmed[-1:] == ["r2"])


async def test_while_the_api_server_is_away_nothing_is_confirmed(
    server: MiniatureAPIServer, seen: list[str | None], confirmed: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SILENCE_SECONDS", 0.02)
    server.put(policy_document(revision="r1"))
    await until(lambda: bool(confirmed))
    server.failing = 503
    await until(lambda: len(server.requests) > 8)
    before = len(confirmed)
    await until(lambda: len(server.requests) > 12)
    assert len(confirmed) == before
    server.failing = 0
    await until(lambda: len(confirmed) > before)


async def test_a_policy_that_cannot_be_read_is_not_in_force_so_nothing_confirms_the_last_one(
    server: MiniatureAPIServer, seen: list[str | None], confirmed: list[str | None]
) -> None:
    server.put(policy_document(revision="r1"))
    await until(lambda: server.watching == 1)
    server.put({"revision": "r2"})
    server.bookmark()
    server.report(agent("a", "10.1.0.1"))
    server.put(policy_document(revision="r1"))
    await until(lambda: confirmed == ["r1"])
    server.bookmark()
    await until(lambda: confirmed == ["r1", "r1"])
    assert seen == ["r1"]
