"""Keeps a valid leaf in hand: reads the CA again and signs a new one at half of each leaf's life."""

from __future__ import annotations

import asyncio
import datetime
import logging
import ssl
from collections.abc import Sequence
from pathlib import Path

from keyward_proxy.clock import Clock
from keyward_proxy.metrics import Metrics
from keyward_proxy.net.errors import CertificateAuthorityUnusable
from keyward_proxy.net.leaf import CertificateAuthority, Leaf, issue

logger = logging.getLogger(__name__)

LOOK_SECONDS = 60.0
"""How often the time is compared: clocks may jump, so nothing sleeps for half a day."""


class LeafKeeper:
    """The present leaf, and its successor in time."""

    def __init__(self, *, directory: Path, names: Sequence[str], clock: Clock, metrics: Metrics) -> None:
        self._directory = directory
        self._names = tuple(names)
        self._clock = clock
        self._metrics = metrics
        self._leaf: Leaf | None = None

    @property
    def context(self) -> ssl.SSLContext:
        """For new connections; `renew` must have succeeded once."""
        if self._leaf is None:
            raise CertificateAuthorityUnusable("no leaf was signed yet")
        return self._leaf.context

    @property
    def valid(self) -> bool:
        """Whether clients would accept the present leaf."""
        return self._leaf is not None and self._leaf.not_after > self._now()

    def answer_for(self, address: str) -> None:
        """Carry `address` too: drivers that resolve names themselves verify the address that they found.

        Raises as `renew` does.
        """
        if address and address not in self._names:
            self._names = (*self._names, address)
            self.renew()

    def renew(self) -> None:
        """Sign a new leaf; raises CertificateAuthorityUnusable and keeps the present one then."""
        self._leaf = issue(CertificateAuthority.load(self._directory), self._names, self._now())
        self._metrics.leaf_expires.set(self._leaf.not_after.timestamp())
        logger.info("leaf signed", extra={"names": list(self._names), "notAfter": self._leaf.not_after.isoformat()})

    def renew_if_due(self) -> None:
        """Renew past half of the leaf's life; a failure is logged, and tried again at the next call."""
        if self._leaf is not None and self._now() < self._leaf.renew_at():
            return
        try:
            self.renew()
        except CertificateAuthorityUnusable as error:
            logger.error("leaf not renewed", extra={"error": str(error)})

    async def run(self) -> None:
        """Renew in time, until cancelled."""
        while True:
            self.renew_if_due()
            await asyncio.sleep(LOOK_SECONDS)

    def _now(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self._clock.wall(), datetime.UTC)
