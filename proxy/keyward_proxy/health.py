"""Health over plain HTTP: alive, ready and why not, metrics. No verb changes anything.

Readiness is the sum of named facts; each says of itself why it does not hold. It tells Kubernetes whether to
send clients here, so it must be true, not hopeful.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from aiohttp import web
from prometheus_client import exposition

from keyward_proxy.metrics import Metrics


@dataclass(frozen=True, kw_only=True, slots=True)
class NotReady:
    """A reason not to send clients here; or among warnings, something that is wrong although clients are served."""

    reason: str
    """One CamelCase word."""

    message: str
    """What is missing and what to do."""


class HealthServer:
    """Serves /healthz, /readyz and /metrics."""

    def __init__(
        self,
        *,
        unready: Callable[[], Sequence[NotReady]],
        metrics: Metrics,
        warnings: Callable[[], Sequence[NotReady]] = tuple,
    ) -> None:
        """`unready` gives the reasons of the moment; none means ready. `warnings` are told too, and change nothing."""
        self._unready = unready
        self._warnings = warnings
        self._metrics = metrics
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port, which matters where 0 was asked for. Raises OSError."""
        application = web.Application()
        application.router.add_get("/healthz", self._healthz)
        application.router.add_get("/readyz", self._readyz)
        application.router.add_get("/metrics", self._serve_metrics)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        address = self._runner.addresses[0]
        return int(address[1])

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def _readyz(self, _: web.Request) -> web.Response:
        reasons = [asdict(reason) for reason in self._unready()]
        told: dict[str, object] = {"ready": not reasons, "reasons": reasons}
        if warnings := [asdict(warning) for warning in self._warnings()]:
            told["warnings"] = warnings
        return web.json_response(told, status=503 if reasons else 200)

    async def _serve_metrics(self, _: web.Request) -> web.Response:
        body = exposition.generate_latest(self._metrics.registry)
        return web.Response(body=body, headers={"Content-Type": exposition.CONTENT_TYPE_LATEST})
