"""Whether Keyspaces can be reached and proves who it is: as the last attempt had it, a session's or one made for that.

Where no session connects, a connection is opened and closed once a minute, as far as TLS goes. A session that fails is
no proof, since networks lose connections, but a reason to try at once; while nothing is reached it is tried every five
seconds.
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from collections.abc import Callable
from contextlib import suppress
from math import inf

from keyward_api.resources.policy import ENDPOINT_REASON_LIMIT, EndpointReport
from keyward_proxy.clock import Clock
from keyward_proxy.net.errors import UpstreamUnreachable
from keyward_proxy.net.opening import Connector
from keyward_proxy.net.upstream import Endpoint

logger = logging.getLogger(__name__)

QUIET_SECONDS = 60.0
"""After an attempt that succeeded; agents spread over a fifth of it."""

RETRY_SECONDS = 5.0
"""After one that did not, and between two attempts in any case."""


class Reachability:
    """A connector that knows how it went; see `keyward_proxy.net.opening.Connector`."""

    def __init__(self, *, connector: Connector, clock: Clock, on_change: Callable[[], None]) -> None:
        """`on_change` is called whenever `report` is another."""
        self._connector = connector
        self._clock = clock
        self._on_change = on_change
        self._endpoint: Endpoint | None = None
        self._tried_at = -inf
        self._pause = 0.0
        """From the last attempt to the next one, in seconds."""

        self._wake = asyncio.Event()
        self.report: EndpointReport | None = None
        """None where it was not tried yet."""

    def watch(self, endpoint: Endpoint) -> None:
        """This is the endpoint from now on; of another one nothing is known."""
        if endpoint != self._endpoint:
            self._endpoint, self.report, self._tried_at = endpoint, None, -inf
            self._wake.set()

    async def connect(self, endpoint: Endpoint) -> ssl.SSLSocket:
        """For a session: see `Connector.connect`."""
        try:
            sock = await self._connector.connect(endpoint)
        except UpstreamUnreachable:
            self._pause = min(self._pause, RETRY_SECONDS)
            self._wake.set()
            raise
        self._tried(endpoint, EndpointReport(reachable=True))
        return sock

    async def run(self) -> None:
        """Try whenever it is due, until cancelled."""
        while True:
            endpoint = await self._due()
            try:
                sock = await self._connector.connect(endpoint)
            except UpstreamUnreachable as error:
                self._tried(endpoint, EndpointReport(reachable=False, reason=str(error)[:ENDPOINT_REASON_LIMIT]))
            else:
                sock.close()
                self._tried(endpoint, EndpointReport(reachable=True))

    async def _due(self) -> Endpoint:
        """The endpoint, once it is to be tried."""
        while True:
            self._wake.clear()
            left = self._tried_at + self._pause - self._clock.monotonic()
            if self._endpoint and left <= 0:
                return self._endpoint
            with suppress(TimeoutError):
                async with asyncio.timeout(left if self._endpoint else None):
                    await self._wake.wait()

    def _tried(self, endpoint: Endpoint, report: EndpointReport) -> None:
        if endpoint != self._endpoint:
            return  # It was changed meanwhile.
        self._tried_at = self._clock.monotonic()
        self._pause = QUIET_SECONDS * random.uniform(0.9, 1.1) if report.reachable else RETRY_SECONDS  # noqa: S311
        if report == self.report:
            return
        self.report = report
        if report.reachable:
            logger.info("Keyspaces reached", extra={"endpoint": endpoint.address})
        else:
            logger.warning("Keyspaces not reached", extra={"endpoint": endpoint.address, "error": report.reason})
        self._on_change()
