"""Verdicts are remembered shortly, asked for once, and limited in rate."""

from __future__ import annotations

import asyncio

import pytest

from keyward_api.identities import CallerIdentity
from keyward_proxy.auth import authenticator as module
from keyward_proxy.auth.authenticator import Authenticator
from keyward_proxy.auth.errors import AuthenticationError
from keyward_proxy.session.secret import Secret
from keyward_proxy.tasks import TaskHolder
from tests.unit.proxy.support import AUDIENCE, TurnedClock, jwt, until

APP = CallerIdentity(namespace="payments", name="app", uid="u1")


class CountingReviewer:
    """Believes every token, or raises what it is told to."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.error: AuthenticationError | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def review(self, token: Secret, *, audience: str) -> CallerIdentity:
        assert audience == AUDIENCE
        self.calls.append(token.reveal())
        await self.gate.wait()
        if self.error:
            raise self.error
        return APP


@pytest.fixture
def reviewer() -> CountingReviewer:
    return CountingReviewer()


@pytest.fixture
def authenticator(reviewer: CountingReviewer, clock: TurnedClock, tasks: TaskHolder) -> Authenticator:
    return Authenticator(reviewer=reviewer, clock=clock, tasks=tasks)


CLIENT = "10.244.0.9"


def token(clock: TurnedClock, *, life: float = 600, number: int = 0) -> Secret:
    return Secret(jwt({"aud": AUDIENCE, "exp": clock.now + life, "jti": number}))


async def refusal(authenticator: Authenticator, secret: Secret) -> AuthenticationError:
    with pytest.raises(AuthenticationError) as caught:
        await authenticator.authenticate(secret, audience=AUDIENCE, client=CLIENT)
    return caught.value


async def test_a_good_token_is_reviewed_again_after_a_minute(
    authenticator: Authenticator, reviewer: CountingReviewer, clock: TurnedClock
) -> None:
    secret = token(clock)
    proof = await authenticator.authenticate(secret, audience=AUDIENCE, client=CLIENT)
    assert proof.identity == APP
    assert proof.expires == clock.now + 600
    clock.turn(59)
    await authenticator.authenticate(secret, audience=AUDIENCE, client=CLIENT)
    assert len(reviewer.calls) == 1
    clock.turn(1)
    await authenticator.authenticate(secret, audience=AUDIENCE, client=CLIENT)
    assert len(reviewer.calls) == 2


async def test_a_verdict_never_outlives_the_token(
    authenticator: Authenticator, reviewer: CountingReviewer, clock: TurnedClock
) -> None:
    secret = token(clock, life=10)
    await authenticator.authenticate(secret, audience=AUDIENCE, client=CLIENT)
    clock.turn(10)
    assert (await refusal(authenticator, secret)).reason == "TokenExpired"
    assert len(reviewer.calls) == 1


async def test_a_rejected_token_is_asked_about_again_after_seconds(
    authenticator: Authenticator, reviewer: CountingReviewer, clock: TurnedClock
) -> None:
    secret = token(clock)
    reviewer.error = AuthenticationError("revoked", reason="TokenRejected")
    for _ in range(3):
        assert (await refusal(authenticator, secret)).reason == "TokenRejected"
    assert len(reviewer.calls) == 1
    clock.turn(module.BAD_SECONDS)
    await refusal(authenticator, secret)
    assert len(reviewer.calls) == 2


async def test_an_api_server_that_is_away_closes_the_door_and_is_not_remembered(
    authenticator: Authenticator, reviewer: CountingReviewer, clock: TurnedClock
) -> None:
    secret = token(clock)
    reviewer.error = AuthenticationError("away", reason="TokenReviewUnavailable", retryable=True)
    assert (await refusal(authenticator, secret)).retryable
    reviewer.error = None
    assert (await authenticator.authenticate(secret, audience=AUDIENCE, client=CLIENT)).identity == APP


async def test_a_token_known_to_be_good_passes_while_the_api_server_is_away_for_a_minute_at_most(
    authenticator: Authenticator, reviewer: CountingReviewer, clock: TurnedClock
) -> None:
    secret = token(clock)
    await authenticator.authenticate(secret, audience=AUDIENCE, client=CLIENT)
    reviewer.error = AuthenticationError("away", reason="TokenReviewUnavailable", retryable=True)
    await authenticator.authenticate(secret, audience=AUDIENCE, client=CLIENT)
    clock.turn(60)
    assert (await refusal(authenticator, secret)).reason == "TokenReviewUnavailable"


async def test_many_connections_with_one_token_ask_once(
    authenticator: Authenticator, reviewer: CountingReviewer, clock: TurnedClock
) -> None:
    reviewer.gate.clear()
    secret = token(clock)
    waiting = asyncio.gather(*(authenticator.authenticate(secret, audience=AUDIENCE, client=CLIENT) for _ in range(30)))
    await until(lambda: bool(reviewer.calls))
    reviewer.gate.set()
    assert len(await waiting) == 30
    assert len(reviewer.calls) == 1


async def test_reviews_are_limited_in_rate(authenticator: Authenticator, clock: TurnedClock) -> None:
    for number in range(int(module.REVIEWS_AT_ONCE)):
        await authenticator.authenticate(token(clock, number=number), audience=AUDIENCE, client=f"10.0.0.{number}")
    error = await refusal(authenticator, token(clock, number=1000))
    assert error.reason == "TooManyLogins"
    assert error.retryable
    await authenticator.authenticate(token(clock, number=0), audience=AUDIENCE, client=CLIENT)
    clock.turn(1.01 / (module.REVIEWS_PER_SECOND * module.SHARE_OF_ONE_ADDRESS))
    await authenticator.authenticate(token(clock, number=1000), audience=AUDIENCE, client=CLIENT)


@pytest.mark.parametrize("address", ["10.0.0.66", "2001:db8::{:x}"])
async def test_one_address_cannot_take_the_reviews_of_all(
    authenticator: Authenticator, clock: TurnedClock, address: str
) -> None:
    """Whoever has one address of an IPv6 network has all of it."""
    refused = 0
    for number in range(int(module.REVIEWS_AT_ONCE) * 2):
        try:
            client = address.format(number)
            await authenticator.authenticate(token(clock, number=number), audience=AUDIENCE, client=client)
        except AuthenticationError as error:
            refused += error.reason == "TooManyLogins"
    assert refused == module.REVIEWS_AT_ONCE * (2 - module.SHARE_OF_ONE_ADDRESS)
    await authenticator.authenticate(token(clock, number=1000), audience=AUDIENCE, client=CLIENT)


async def test_addresses_are_remembered_in_bounds(
    authenticator: Authenticator, clock: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAXIMUM_ADDRESSES", 3)
    for number in range(9):
        await authenticator.authenticate(token(clock, number=number), audience=AUDIENCE, client=f"10.0.0.{number}")
    assert len(authenticator._buckets) == 3


async def test_what_cannot_be_good_is_never_asked_about(
    authenticator: Authenticator, reviewer: CountingReviewer
) -> None:
    assert (await refusal(authenticator, Secret("password"))).reason == "NotAToken"
    assert not reviewer.calls


async def test_memory_holds_no_token_and_is_bounded(
    authenticator: Authenticator, clock: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAXIMUM_ENTRIES", 3)
    secrets = [token(clock, number=number) for number in range(5)]
    for secret in secrets:
        await authenticator.authenticate(secret, audience=AUDIENCE, client=CLIENT)
    assert len(authenticator._verdicts) == 3
    held = repr(authenticator._verdicts)
    assert not any(secret.reveal() in held for secret in secrets)
