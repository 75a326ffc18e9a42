"""Health and metrics over plain HTTP.

`/healthz` answers as long as the event loop turns. `/readyz` answers 200 when the operator does its part, as a leader
or as a standby that knows who leads, else 503 with what is missing. `/metrics` is Prometheus' text format.
"""

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

Reasons = Callable[[], list[str]]
"""What keeps the operator from being ready; empty when nothing does."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read `ADDRESS:PORT`; raises ValueError."""
        host, colon, port = text.rpartition(":")
        if not colon or not host or not port.isdigit() or int(port) > 65535:
            raise ValueError(f"'{text}' is not of the form ADDRESS:PORT")
        return cls(host.strip("[]"), int(port))


class HealthServer:
    """The listener."""

    def __init__(self, address: Address, reasons: Reasons) -> None:
        self._address = address
        self._reasons = reasons
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen. Raises OSError where the address cannot be had."""
        application = web.Application()
        application.router.add_get("/healthz", self._healthz)
        application.router.add_get("/readyz", self._readyz)
        application.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._address.host, self._address.port).start()

    @property
    def port(self) -> int:
        """The port in use, for an address with port 0 means any free one; 0 before the start."""
        return int(self._runner.addresses[0][1]) if self._runner else 0

    async def stop(self) -> None:
        """Close the listener."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.json_response({"healthy": True})

    async def _readyz(self, _: web.Request) -> web.Response:
        reasons = self._reasons()
        return web.json_response({"ready": not reasons, "reasons": reasons}, status=503 if reasons else 200)

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
