"""Health tells the truth of the moment."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest

from keyward_proxy.health import HealthServer, NotReady
from keyward_proxy.metrics import Metrics

Ask = Callable[[str], Awaitable[tuple[int, str]]]


@pytest.fixture
def reasons() -> list[NotReady]:
    return []


@pytest.fixture
def warnings() -> list[NotReady]:
    return []


@pytest.fixture
async def ask(reasons: list[NotReady], warnings: list[NotReady]) -> AsyncIterator[Ask]:
    metrics = Metrics()
    metrics.from_clients = 42
    server = HealthServer(unready=lambda: reasons, warnings=lambda: warnings, metrics=metrics)
    port = await server.start("127.0.0.1", 0)

    async def ask(path: str) -> tuple[int, str]:
        async with (
            aiohttp.ClientSession() as client,
            client.get(f"http://127.0.0.1:{port}{path}") as answer,
        ):
            return answer.status, await answer.text()

    yield ask
    await server.stop()


async def test_ready_until_there_is_a_reason_against_it(ask: Ask, reasons: list[NotReady]) -> None:
    assert await ask("/readyz") == (200, '{"ready": true, "reasons": []}')
    reasons.append(NotReady(reason="Draining", message="the agent is about to end"))
    status, body = await ask("/readyz")
    assert status == 503
    assert '"reason": "Draining", "message": "the agent is about to end"' in body
    assert (await ask("/healthz"))[0] == 200


async def test_a_warning_is_told_and_keeps_nobody_away(ask: Ask, warnings: list[NotReady]) -> None:
    warnings.append(NotReady(reason="ManifestsNotInForce", message="a.yaml is broken"))
    status, body = await ask("/readyz")
    assert status == 200
    assert body.endswith('"warnings": [{"reason": "ManifestsNotInForce", "message": "a.yaml is broken"}]}')


async def test_metrics_are_those_of_this_agent(ask: Ask) -> None:
    status, body = await ask("/metrics")
    assert status == 200
    assert 'keyward_bytes_total{source="client"} 42.0' in body
    assert "process_resident_memory_bytes" in body


async def test_nothing_else_is_served(ask: Ask) -> None:
    assert (await ask("/"))[0] == 404
    assert (await ask("/debug"))[0] == 404
