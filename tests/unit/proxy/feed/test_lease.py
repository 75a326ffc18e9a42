"""The operator's signs of life, as an agent sees them."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator

import pytest

from keyward_proxy.feed import lease as module
from keyward_proxy.feed.lease import KubernetesLease
from keyward_proxy.kubernetes_api import KubernetesAPI
from keyward_proxy.tasks import TaskHolder
from tests.unit.proxy.apiserver import MiniatureAPIServer
from tests.unit.proxy.support import TurnedClock, until

PATH = "/apis/coordination.k8s.io/v1/namespaces/keyward-system/leases/keyward-operator"
NOW = 1_700_000_000.0


def lease(seconds_ago: float, holder: str = "operator-1") -> dict[str, str]:
    renewed = datetime.datetime.fromtimestamp(NOW - seconds_ago, datetime.UTC)
    return {"holderIdentity": holder, "renewTime": renewed.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}


@pytest.fixture
async def ages(
    server: MiniatureAPIServer, api: KubernetesAPI, tasks: TaskHolder, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[list[float]]:
    """What was told, in order."""
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(module, "FIRST_LOOKS_SECONDS", 0.01)
    told: list[float] = []

    async def follow() -> None:
        source = KubernetesLease(api, namespace="keyward-system", name="keyward-operator", clock=TurnedClock(now=NOW))
        async for age in source.ages():
            told.append(age)

    task = tasks.start(follow(), name="follow")
    yield told
    assert not task.done(), task.exception()


async def looked_again(server: MiniatureAPIServer) -> None:
    """What stood there was seen."""
    before = len(server.requests)
    await until(lambda: len(server.requests) >= before + 2)


async def test_each_change_of_the_renewal_is_a_sign_of_this_moment(
    server: MiniatureAPIServer, ages: list[float]
) -> None:
    server.leases[PATH] = lease(0)
    await until(lambda: ages == [0.0])
    await looked_again(server)
    assert ages == [0.0]
    server.leases[PATH] = lease(500)
    await until(lambda: ages == [0.0, 0.0])
    server.leases[PATH] = lease(-500, holder="operator-2")
    await until(lambda: ages == [0.0, 0.0, 0.0])


async def test_at_first_the_lease_is_taken_at_its_word_where_that_makes_it_older(
    server: MiniatureAPIServer, ages: list[float]
) -> None:
    server.leases[PATH] = lease(7200)
    await until(lambda: len(ages) == 1)
    assert ages[0] == pytest.approx(7200)
    await looked_again(server)
    assert len(ages) == 1


async def test_a_clock_that_is_ahead_makes_nothing_younger_than_now(
    server: MiniatureAPIServer, ages: list[float]
) -> None:
    server.leases[PATH] = lease(-7200)
    await until(lambda: ages == [0.0])


async def test_who_gives_the_lease_up_gives_no_sign_of_life_by_that(
    server: MiniatureAPIServer, ages: list[float]
) -> None:
    server.leases[PATH] = lease(0)
    await until(lambda: len(ages) == 1)
    server.leases[PATH] = lease(-2, holder="")
    await looked_again(server)
    assert len(ages) == 1
    server.leases[PATH] = lease(-9, holder="operator-2")
    await until(lambda: len(ages) == 2)


async def test_a_lease_that_cannot_be_read_says_nothing(server: MiniatureAPIServer, ages: list[float]) -> None:
    await looked_again(server)
    assert ages == []
    server.failing = 403
    await looked_again(server)
    server.failing, server.leases[PATH] = 0, lease(40)
    await until(lambda: len(ages) == 1)
    assert ages[0] == pytest.approx(40)
    server.failing = 503
    await looked_again(server)
    server.failing = 0
    await looked_again(server)
    assert len(ages) == 1, "the same Lease after an outage is no sign"


@pytest.mark.parametrize("spec", [{}, {"renewTime": None}, {"renewTime": "yesterday"}])
async def test_a_lease_without_a_time_counts_from_the_first_look(
    server: MiniatureAPIServer, ages: list[float], spec: dict[str, str]
) -> None:
    server.leases[PATH] = spec
    await until(lambda: ages == [0.0])
    await looked_again(server)
    assert ages == [0.0]
