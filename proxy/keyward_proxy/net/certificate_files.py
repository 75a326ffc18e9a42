"""A server certificate that somebody else signs and renews: two files, read again when they change.

New connections get the new certificate; connections that stand keep theirs. Files that do not belong together, as in
the moment between two writes, leave the present certificate in place and are looked at again.
"""

from __future__ import annotations

import asyncio
import datetime
import logging
import ssl
from pathlib import Path

from cryptography import x509

from keyward_proxy.clock import Clock
from keyward_proxy.files import Stamp, stamp
from keyward_proxy.metrics import Metrics
from keyward_proxy.net.client_authority import ClientAuthorityFile
from keyward_proxy.net.errors import NetworkError, ServerCertificateUnusable
from keyward_proxy.net.server_certificate import LOOK_SECONDS
from keyward_proxy.net.server_context import server_context

logger = logging.getLogger(__name__)

OTHERS = 0o007


class CertificateFiles:
    """See `keyward_proxy.net.server_certificate.ServerCertificate`."""

    def __init__(
        self, *, certificate: Path, key: Path, clients: ClientAuthorityFile | None, clock: Clock, metrics: Metrics
    ) -> None:
        self._certificate = certificate
        self._key = key
        self._clients = clients
        self._clock = clock
        self._metrics = metrics
        self._context: ssl.SSLContext | None = None
        self._not_after: datetime.datetime | None = None
        self._seen: Stamp = ()

    @property
    def context(self) -> ssl.SSLContext:
        """For new connections; `renew` must have succeeded once."""
        if self._context is None:
            raise ServerCertificateUnusable("no server certificate was read yet")
        return self._context

    @property
    def valid(self) -> bool:
        """Whether clients would accept the present certificate."""
        return self._not_after is not None and self._not_after > self._now()

    def answer_for(self, address: str) -> None:
        """Whoever signs the certificate decides what names are in it."""

    def renew(self) -> None:
        """Read the files; raises ServerCertificateUnusable or ClientAuthorityUnusable."""
        seen = self._stamp()
        chain, key = self._read(self._certificate), self._read(self._key)
        self._check_mode()
        not_after = self._end_of(chain)
        clients = self._clients.load() if self._clients else None
        try:
            self._context = server_context(chain + b"\n" + key, clients)
        except ssl.SSLError as error:
            raise ServerCertificateUnusable(
                f"{self._certificate} and {self._key} cannot serve: {error.reason or error}; they must be a PEM chain, "
                "the server's certificate first, and its unencrypted PEM key"
            ) from error
        self._not_after, self._seen = not_after, seen
        self._metrics.leaf_expires.set(not_after.timestamp())
        logger.info(
            "server certificate read", extra={"file": str(self._certificate), "notAfter": not_after.isoformat()}
        )

    def renew_if_changed(self) -> None:
        """Read the files where they changed; a failure is logged, and tried again at the next call."""
        if self._stamp() == self._seen:
            return
        try:
            self.renew()
        except NetworkError as error:
            logger.error("server certificate not renewed, the present one stays", extra={"error": str(error)})

    async def run(self) -> None:
        """Follow the files, until cancelled."""
        while True:
            self.renew_if_changed()
            await asyncio.sleep(LOOK_SECONDS)

    def _stamp(self) -> Stamp:
        clients = (self._clients.file,) if self._clients else ()
        return stamp((self._certificate, self._key, *clients))

    def _read(self, file: Path) -> bytes:
        try:
            return file.read_bytes()
        except OSError as error:
            raise ServerCertificateUnusable(f"cannot read {file}: {error.strerror}") from error

    def _check_mode(self) -> None:
        if self._key.stat().st_mode & OTHERS:
            raise ServerCertificateUnusable(
                f"{self._key} is open to every user of this machine: chmod o-rwx {self._key}"
            )

    def _end_of(self, chain: bytes) -> datetime.datetime:
        try:
            not_after = x509.load_pem_x509_certificates(chain)[0].not_valid_after_utc
        except ValueError as error:
            raise ServerCertificateUnusable(f"{self._certificate} holds no PEM certificate: {error}") from error
        if not_after <= self._now():
            raise ServerCertificateUnusable(f"the certificate in {self._certificate} ended at {not_after.isoformat()}")
        return not_after

    def _now(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self._clock.wall(), datetime.UTC)
