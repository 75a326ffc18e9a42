"""Who of several operators works: whoever holds the Lease.

A candidate tries every `RETRY`, and once the Lease may be taken; the leader renews every `RETRY` and gives up
`RENEW_DEADLINE` after its last success, before anybody else may take over (`LEASE_DURATION` after it). What it then
does is the caller's matter: it must write nothing more. Requests are shorter than `RETRY`, so that a hanging one cannot
eat the deadline; times are monotonic.
Each write names the resourceVersion that it was decided by: of two candidates one wins.
Limits: as with every lease there is no fencing. A leader that is stopped for 15 s and goes on may write until its next
look at the clock, so every write of the operator is one that a second operator could have done as well.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from keyward_operator import kinds, metrics
from keyward_operator.clients.errors import ApiError, ConflictError
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.election.record import Record, released, taken_by
from keyward_operator.errors import LeadershipLostError
from keyward_operator.json_types import Json
from keyward_operator.kinds import Reference

LEASE_DURATION = 15
RENEW_DEADLINE = 10.0
RETRY = 2.0
REQUEST_TIMEOUT = 1.5
_MOMENT = 0.05
"""Seconds."""

RELEASE_ATTEMPTS = 3
"""Without a release the next leader waits for LEASE_DURATION: so many tries take less."""

logger = logging.getLogger(__name__)


class LeaderElection:
    """One candidate."""

    def __init__(
        self,
        api: KubernetesApi,
        *,
        lease: Reference,
        identity: str,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`identity` is unique among the candidates; `api` has timeouts below RETRY."""
        self._sleep = sleep
        self._api = api
        self._lease = lease
        self._identity = identity
        self._clock = clock
        self._record: Record | None = None
        self._version = ""
        self._changed = clock()
        self.observed = asyncio.Event()
        """Set once the Lease was looked at: this candidate leads, or knows who does."""

    @property
    def leads(self) -> bool:
        """Whether this candidate holds the Lease, as far as it knows."""
        return self._record is not None and self._record.holder == self._identity

    async def acquire(self) -> None:
        """Wait until this candidate leads."""
        while not await self._try():
            await self._sleep(self._until_next_try())
        metrics.IS_LEADER.set(1)
        logger.info("became the leader by %s", self._lease)

    def _until_next_try(self) -> float:
        """Seconds: what the last leader may not renew any more is taken at once, not after another `RETRY`."""
        left = self._record.duration - (self._clock() - self._changed) if self._record is not None else RETRY
        return left + _MOMENT if 0 <= left < RETRY else RETRY

    async def keep(self) -> None:
        """Renew for as long as that works; then raises LeadershipLostError."""
        renewed = self._clock()
        while True:
            await self._sleep(RETRY)
            if self._clock() - renewed <= RENEW_DEADLINE and await self._try():
                renewed = self._clock()
            elif self._clock() - renewed > RENEW_DEADLINE:
                metrics.IS_LEADER.set(0)
                raise LeadershipLostError(f"{self._lease} was not renewed for {RENEW_DEADLINE:.0f} s")

    async def release(self) -> None:
        """Let the next candidate in at once; without effect where another one leads."""
        metrics.IS_LEADER.set(0)
        for attempt in range(1, RELEASE_ATTEMPTS + 1):
            if self._record is None or not self.leads:
                return
            try:
                await self._write(released(self._record, now=datetime.now(UTC)))
            except ApiError as error:
                logger.warning("could not release %s (%d of %d): %s", self._lease, attempt, RELEASE_ATTEMPTS, error)
                await self._look_again()
            else:
                logger.info("released %s", self._lease)
                return

    async def _look_again(self) -> None:
        """A write that failed may have been done all the same."""
        try:
            await self._look()
        except ApiError as error:
            logger.warning("could not read %s: %s", self._lease, error)

    async def _try(self) -> bool:
        """Take or renew the Lease if it may be; whether this candidate leads now."""
        try:
            await self._look()
            if self._record is not None and not self._is_free(self._record):
                return False
            await self._write(
                taken_by(self._identity, previous=self._record, duration=LEASE_DURATION, now=datetime.now(UTC))
            )
        except ConflictError:
            return False  # another candidate was faster
        except ApiError as error:
            logger.warning("could not take or renew %s: %s", self._lease, error)
            return False
        return True

    async def _look(self) -> None:
        lease = await self._api.get(self._lease)
        self.observed.set()
        if lease is None:
            self._record = None
            return
        version = lease["metadata"]["resourceVersion"]
        if version != self._version:
            self._changed = self._clock()
        self._version, self._record = version, Record.of(lease)

    def _is_free(self, record: Record) -> bool:
        return record.holder in ("", self._identity) or self._clock() - self._changed > record.duration

    async def _write(self, record: Record) -> None:
        if self._record is None:
            written = await self._api.create(self._manifest(record), kind=kinds.LEASE)
        else:
            patch = {"metadata": {"resourceVersion": self._version}, "spec": record.to_spec()}
            written = await self._api.merge_patch(self._lease, patch)
        self._version, self._record = written["metadata"]["resourceVersion"], record
        self._changed = self._clock()

    def _manifest(self, record: Record) -> Json:
        return {
            "apiVersion": kinds.LEASE.api_version,
            "kind": kinds.LEASE.kind,
            "metadata": {"name": self._lease.name, "namespace": self._lease.namespace},
            "spec": record.to_spec(),
        }
