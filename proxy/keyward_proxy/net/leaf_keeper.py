"""Keeps a valid leaf in hand: reads the CA again and signs a new one at half of each leaf's life.

A CA that changed makes a new leaf at once, so that it may be replaced while agents serve. So does a client CA, since
its certificates are part of the context.
"""

from __future__ import annotations

import asyncio
import datetime
import logging
import ssl
from collections.abc import Sequence
from pathlib import Path

from keyward_proxy.clock import Clock
from keyward_proxy.files import Stamp, stamp
from keyward_proxy.metrics import Metrics
from keyward_proxy.net.client_authority import ClientAuthorityFile
from keyward_proxy.net.errors import CertificateAuthorityUnusable, ClientAuthorityUnusable, NetworkError
from keyward_proxy.net.leaf import CERTIFICATE, PRIVATE_KEY, CertificateAuthority, Leaf, issue
from keyward_proxy.net.server_certificate import LOOK_SECONDS

logger = logging.getLogger(__name__)


class LeafKeeper:
    """The present leaf, and its successor in time: see `keyward_proxy.net.server_certificate.ServerCertificate`."""

    def __init__(
        self,
        *,
        directory: Path,
        names: Sequence[str],
        clock: Clock,
        metrics: Metrics,
        clients: ClientAuthorityFile | None = None,
    ) -> None:
        self._directory = directory
        self._clients = clients
        self._seen: Stamp = ()
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
        """Sign a new leaf; raises CertificateAuthorityUnusable or ClientAuthorityUnusable and keeps the present one."""
        seen = self._stamp()
        clients = self._clients.load() if self._clients else None
        authority = CertificateAuthority.load(self._directory)
        if clients and clients.has_key(authority.key.public_key()):
            raise ClientAuthorityUnusable(
                f"the client CA has the key in {self._directory}, with which the agent signs its own certificate: "
                "whoever reads this machine's files could name anybody; make two CAs"
            )
        self._leaf = issue(authority, self._names, self._now(), clients)
        self._seen = seen
        self._metrics.leaf_expires.set(self._leaf.not_after.timestamp())
        logger.info("leaf signed", extra={"names": list(self._names), "notAfter": self._leaf.not_after.isoformat()})

    def renew_if_due(self) -> None:
        """Renew past half of the leaf's life, and where a CA changed.

        A failure is logged, and tried again at the next call."""
        if self._leaf is not None and self._now() < self._leaf.renew_at() and self._stamp() == self._seen:
            return
        try:
            self.renew()
        except NetworkError as error:
            logger.error("leaf not renewed", extra={"error": str(error)})

    async def run(self) -> None:
        """Renew in time, until cancelled."""
        while True:
            self.renew_if_due()
            await asyncio.sleep(LOOK_SECONDS)

    def _stamp(self) -> Stamp:
        own = (self._directory / CERTIFICATE, self._directory / PRIVATE_KEY)
        return stamp((*own, *((self._clients.file,) if self._clients else ())))

    def _now(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self._clock.wall(), datetime.UTC)
