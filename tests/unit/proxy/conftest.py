"""Fixtures of all agent tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from keyward_proxy.tasks import TaskHolder
from tests.unit.proxy.support import TurnedClock


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
async def tasks() -> AsyncIterator[TaskHolder]:
    holder = TaskHolder()
    yield holder
    await holder.close()
