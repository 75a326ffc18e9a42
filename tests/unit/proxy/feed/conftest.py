"""A miniature API server and the agent's client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from keyward_proxy.kubernetes_api import KubernetesAPI
from tests.unit.proxy.apiserver import MiniatureAPIServer


@pytest.fixture
async def server() -> AsyncIterator[MiniatureAPIServer]:
    made = MiniatureAPIServer()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def api(server: MiniatureAPIServer) -> AsyncIterator[KubernetesAPI]:
    made = KubernetesAPI(server.configuration())
    yield made
    await made.close()
