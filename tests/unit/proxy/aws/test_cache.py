"""One call for many sessions, fresh credentials in time, and nothing valid given up."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from keyward_proxy.aws import cache as cache_module
from keyward_proxy.aws.cache import CredentialCache
from keyward_proxy.aws.credentials import AssumeRoleRequest, Credentials
from keyward_proxy.aws.errors import AWSError
from keyward_proxy.session.secret import Secret
from keyward_proxy.tasks import TaskHolder
from tests.unit.proxy.support import READER, TurnedClock, until

REQUEST = AssumeRoleRequest(
    region="us-east-1", role_arn=READER, session_name="payments@app", tags=(), external_id="x", policy="{}"
)


class CountingSTS:
    """Gives numbered credentials of one hour, or what it is told to raise."""

    def __init__(self, clock: TurnedClock) -> None:
        self.clock = clock
        self.calls: list[AssumeRoleRequest] = []
        self.error: AWSError | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def assume_role(self, request: AssumeRoleRequest) -> Credentials:
        self.calls.append(request)
        await self.gate.wait()
        if self.error:
            raise self.error
        return Credentials(
            access_key_id=f"ASIA{len(self.calls)}",
            secret_access_key=Secret("s"),
            session_token=Secret("t"),
            expires=self.clock.now + 3600,
        )

    async def caller_identity(self, region: str) -> str:
        raise NotImplementedError


@pytest.fixture
def sts(clock: TurnedClock) -> CountingSTS:
    return CountingSTS(clock)


@pytest.fixture
def cache(sts: CountingSTS, clock: TurnedClock, tasks: TaskHolder) -> CredentialCache:
    return CredentialCache(sts=sts, clock=clock, tasks=tasks)


async def test_sessions_of_one_request_share_one_call(cache: CredentialCache, sts: CountingSTS) -> None:
    sts.gate.clear()
    waiting = asyncio.gather(*(cache.get(REQUEST) for _ in range(50)))
    await until(lambda: bool(sts.calls))
    sts.gate.set()
    assert {found.access_key_id for found in await waiting} == {"ASIA1"}
    assert (await cache.get(REQUEST)).access_key_id == "ASIA1"
    assert len(sts.calls) == 1


async def test_another_request_gets_its_own(cache: CredentialCache, sts: CountingSTS) -> None:
    await cache.get(REQUEST)
    other = dataclasses.replace(REQUEST, policy='{"narrower": true}')
    assert (await cache.get(other)).access_key_id == "ASIA2"


async def test_a_caller_that_gives_up_does_not_end_the_call(cache: CredentialCache, sts: CountingSTS) -> None:
    sts.gate.clear()
    impatient = asyncio.create_task(cache.get(REQUEST))  # noqa: TID251
    patient = asyncio.create_task(cache.get(REQUEST))  # noqa: TID251
    await until(lambda: bool(sts.calls))
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)
    sts.gate.set()
    assert (await patient).access_key_id == "ASIA1"
    assert len(sts.calls) == 1


async def test_used_credentials_are_refreshed_from_half_of_their_life_on(
    cache: CredentialCache, sts: CountingSTS, clock: TurnedClock
) -> None:
    await cache.get(REQUEST)
    await cache.get(REQUEST)
    clock.turn(1799)
    cache.refresh_due()
    assert len(sts.calls) == 1
    clock.turn(1 + 3600 * cache_module.JITTER)
    cache.refresh_due()
    await until(lambda: len(sts.calls) == 2)
    await until(lambda: not cache._entries[REQUEST.key].flight)
    assert (await cache.get(REQUEST)).access_key_id == "ASIA2"
    assert len(sts.calls) == 2


async def test_unused_credentials_are_left_to_end(cache: CredentialCache, sts: CountingSTS, clock: TurnedClock) -> None:
    await cache.get(REQUEST)
    cache._entries[REQUEST.key].used = False
    clock.turn(2400)
    cache.refresh_due()
    assert len(sts.calls) == 1
    clock.turn(1200)
    cache.refresh_due()
    assert len(cache) == 0


async def test_a_failed_refresh_keeps_what_is_valid_and_tries_again_later(
    cache: CredentialCache, sts: CountingSTS, clock: TurnedClock
) -> None:
    await cache.get(REQUEST)
    await cache.get(REQUEST)
    sts.error = AWSError("throttled", reason="STSThrottled")
    clock.turn(2200)
    cache.refresh_due()
    await until(lambda: len(sts.calls) == 2 and not cache._entries[REQUEST.key].flight)
    cache.refresh_due()
    assert (await cache.get(REQUEST)).access_key_id == "ASIA1"
    assert len(sts.calls) == 2
    clock.turn(cache_module.RETRY_SECONDS + 1)
    sts.error = None
    cache.refresh_due()
    await until(lambda: len(sts.calls) == 3 and not cache._entries[REQUEST.key].flight)
    assert (await cache.get(REQUEST)).access_key_id == "ASIA3"


async def test_credentials_near_their_end_are_not_given_to_a_new_session(
    cache: CredentialCache, sts: CountingSTS, clock: TurnedClock
) -> None:
    await cache.get(REQUEST)
    clock.turn(3600 - cache_module.MINIMUM_LIFE_SECONDS + 1)
    assert (await cache.get(REQUEST)).access_key_id == "ASIA2"


async def test_a_refusal_reaches_everyone_who_waits_and_is_not_remembered(
    cache: CredentialCache, sts: CountingSTS
) -> None:
    sts.error = AWSError("no", reason="AccessDenied")
    results = await asyncio.gather(*(cache.get(REQUEST) for _ in range(3)), return_exceptions=True)
    assert [str(result) for result in results] == ["no"] * 3
    assert len(sts.calls) == 1
    assert len(cache) == 0
    sts.error = None
    assert (await cache.get(REQUEST)).access_key_id == "ASIA2"


async def test_the_least_recently_used_is_forgotten(
    cache: CredentialCache, sts: CountingSTS, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_module, "MAXIMUM_ENTRIES", 2)
    first, second, third = (dataclasses.replace(REQUEST, session_name=name) for name in ("aa", "bb", "cc"))
    for request in (first, second, first, third):
        await cache.get(request)
    assert len(cache) == 2
    calls = len(sts.calls)
    await cache.get(first)
    assert len(sts.calls) == calls
    await cache.get(second)
    assert len(sts.calls) == calls + 1
