"""Tokens to identities, with as few questions to the API server as safety allows.

A verdict is remembered under a keyed hash of the token (the key is made at start and never leaves the process), a
good one for at most 60 s: that is how long a deleted ServiceAccount may still log in. Nothing else stands in for the
API server: while it does not answer, unknown tokens are refused. Outside Kubernetes the keys of an issuer are in the
API server's place.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

from keyward_api.identities import CallerIdentity
from keyward_proxy.addresses import source_of
from keyward_proxy.auth.bucket import TokenBucket
from keyward_proxy.auth.errors import AuthenticationError
from keyward_proxy.auth.token import SERVICE_ACCOUNT_TOKEN, Claims, WantedToken, inspect
from keyward_proxy.clock import Clock
from keyward_proxy.session.secret import Secret
from keyward_proxy.tasks import TaskHolder

GOOD_SECONDS = 60.0
BAD_SECONDS = 5.0
MAXIMUM_ENTRIES = 10_000
REVIEWS_PER_SECOND = 20.0
REVIEWS_AT_ONCE = 40.0
SHARE_OF_ONE_ADDRESS = 0.25
"""Of both: whoever sends tokens that nobody signed leaves the rest to the others."""
MAXIMUM_ADDRESSES = 4096


class TokenReviewer(Protocol):
    """Whoever can verify a token's signature and that its ServiceAccount still exists."""

    async def review(self, token: Secret, *, audience: str) -> CallerIdentity:
        """The identity that the token proves; raises AuthenticationError."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """A token that was good when it was looked at."""

    identity: CallerIdentity
    expires: float
    """Unix seconds: the token's own end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Verdict:
    result: CallerIdentity | AuthenticationError
    until: float
    """Monotonic seconds."""


class Authenticator:
    """Verifies tokens."""

    def __init__(
        self,
        *,
        reviewer: TokenReviewer,
        clock: Clock,
        tasks: TaskHolder,
        wanted: WantedToken = SERVICE_ACCOUNT_TOKEN,
    ) -> None:
        self._reviewer = reviewer
        self._wanted = wanted
        self._clock = clock
        self._tasks = tasks
        self._key = secrets.token_bytes(32)
        self._bucket = TokenBucket(rate=REVIEWS_PER_SECOND, burst=REVIEWS_AT_ONCE, clock=clock)
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()
        """By client address, the least recently seen first."""

        self._verdicts: OrderedDict[bytes, _Verdict] = OrderedDict()
        self._flights: dict[bytes, asyncio.Task[_Verdict]] = {}

    async def authenticate(self, token: Secret, *, audience: str, client: str) -> Proof:
        """Who sent this token from the address `client`; raises AuthenticationError."""
        claims = inspect(token, audience=audience, now=self._clock.wall(), wanted=self._wanted)
        key = hmac.digest(self._key, f"{audience}\0{token.reveal()}".encode(), hashlib.sha256)
        verdict = self._remembered(key)
        if verdict is None:
            verdict = await asyncio.shield(self._fly(key, token, audience, claims, client))
        if isinstance(verdict.result, AuthenticationError):
            raise verdict.result
        return Proof(identity=verdict.result, expires=claims.expires)

    def _remembered(self, key: bytes) -> _Verdict | None:
        verdict = self._verdicts.get(key)
        if verdict and verdict.until <= self._clock.monotonic():
            del self._verdicts[key]
            return None
        return verdict

    def _fly(self, key: bytes, token: Secret, audience: str, claims: Claims, client: str) -> asyncio.Task[_Verdict]:
        flight = self._flights.get(key)
        if flight is None:
            if not (self._bucket_of(client).take() and self._bucket.take()):
                raise AuthenticationError(
                    "too many logins at this moment; try again in a second", reason="TooManyLogins", retryable=True
                )
            flight = self._tasks.start(self._review(key, token, audience, claims), name="token review")
            self._flights[key] = flight
            flight.add_done_callback(lambda _: self._flights.pop(key, None))
        return flight

    def _bucket_of(self, address: str) -> TokenBucket:
        """The bucket of one address; a forgotten one is full again, which the common bucket bounds."""
        client = source_of(address)
        if client not in self._buckets:
            share = SHARE_OF_ONE_ADDRESS
            self._buckets[client] = TokenBucket(
                rate=share * REVIEWS_PER_SECOND, burst=share * REVIEWS_AT_ONCE, clock=self._clock
            )
            if len(self._buckets) > MAXIMUM_ADDRESSES:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(client)
        return self._buckets[client]

    async def _review(self, key: bytes, token: Secret, audience: str, claims: Claims) -> _Verdict:
        now = self._clock.monotonic()
        result: CallerIdentity | AuthenticationError
        try:
            result = await self._reviewer.review(token, audience=audience)
        except AuthenticationError as error:
            verdict = _Verdict(result=error, until=now + BAD_SECONDS)
            if error.retryable:
                return verdict
        else:
            life = min(GOOD_SECONDS, claims.expires - self._clock.wall())
            verdict = _Verdict(result=result, until=now + life)
        self._verdicts[key] = verdict
        while len(self._verdicts) > MAXIMUM_ENTRIES:
            self._verdicts.popitem(last=False)
        return verdict
