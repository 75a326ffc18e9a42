"""Credentials that sessions share, kept fresh while they are used.

STS limits its rate and the limit cannot be raised: however many sessions one identity opens with one grant, STS
is asked once. Callers that ask at the same moment wait for the same call. Credentials are replaced from half of
their life on, in the background, and one that is still valid is never given up for an error.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import OrderedDict
from dataclasses import dataclass, field

from keyward_proxy.aws.credentials import AssumeRoleRequest, Credentials
from keyward_proxy.aws.errors import AWSError
from keyward_proxy.aws.sts import SecurityTokenService
from keyward_proxy.clock import Clock
from keyward_proxy.tasks import TaskHolder

logger = logging.getLogger(__name__)

MAXIMUM_ENTRIES = 1024
"""The least recently used is forgotten first."""

MINIMUM_LIFE_SECONDS = 300.0
"""Credentials nearer to their end are not given to a new session."""

RETRY_SECONDS = 30.0
"""After a refresh that failed."""

JITTER = 0.1
"""Refreshes of agents that started together spread over a tenth of a life."""


@dataclass(slots=True)
class _Entry:
    request: AssumeRoleRequest
    credentials: Credentials | None = None
    refresh_at: float = 0.0
    used: bool = field(default=False)
    """Since the credentials came."""

    flight: asyncio.Task[Credentials] | None = None


class CredentialCache:
    """Gives credentials for AssumeRole requests."""

    def __init__(self, *, sts: SecurityTokenService, clock: Clock, tasks: TaskHolder) -> None:
        self._sts = sts
        self._clock = clock
        self._tasks = tasks
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    async def get(self, request: AssumeRoleRequest) -> Credentials:
        """Valid credentials for at least MINIMUM_LIFE_SECONDS, from memory or from STS; raises AWSError."""
        entry = self._entry(request)
        entry.used = True
        found = entry.credentials
        if found and found.expires - self._clock.wall() > MINIMUM_LIFE_SECONDS:
            return found
        # A caller that gives up must not end the call for those who wait with it.
        return await asyncio.shield(self._fly(entry))

    def refresh_due(self) -> None:
        """Begin to refresh what is past half of its life and in use, forget what has ended; to be called often."""
        now = self._clock.wall()
        for key, entry in list(self._entries.items()):
            if entry.credentials is None or entry.flight:
                continue
            if entry.credentials.expires <= now:
                del self._entries[key]
            elif entry.used and entry.refresh_at <= now:
                self._fly(entry)

    def _entry(self, request: AssumeRoleRequest) -> _Entry:
        entry = self._entries.setdefault(request.key, _Entry(request=request))
        self._entries.move_to_end(request.key)
        while len(self._entries) > MAXIMUM_ENTRIES:
            self._entries.popitem(last=False)
        return entry

    def _fly(self, entry: _Entry) -> asyncio.Task[Credentials]:
        if entry.flight is None:
            name = f"assume {entry.request.role_arn}"
            entry.flight = self._tasks.start(self._renew(entry), name=name, expected=AWSError)
            entry.flight.add_done_callback(lambda _: setattr(entry, "flight", None))
        return entry.flight

    async def _renew(self, entry: _Entry) -> Credentials:
        now = self._clock.wall()
        try:
            fresh = await self._sts.assume_role(entry.request)
        except AWSError as error:
            return self._kept(entry, error)
        life = fresh.expires - now
        entry.credentials, entry.used = fresh, False
        entry.refresh_at = now + life / 2 + random.uniform(0, JITTER) * life  # noqa: S311
        return fresh

    def _kept(self, entry: _Entry, error: AWSError) -> Credentials:
        """What is still valid after a refresh that failed; without any the error stands."""
        now = self._clock.wall()
        if entry.credentials is None or entry.credentials.expires <= now:
            self._entries.pop(entry.request.key, None)
            raise error
        entry.refresh_at = now + RETRY_SECONDS
        logger.warning(
            "credentials not refreshed, the present ones stay",
            extra={"roleARN": entry.request.role_arn, "reason": error.reason, "error": str(error)},
        )
        return entry.credentials
