"""Tasks are held until they end, and a failure is never silent."""

from __future__ import annotations

import asyncio

import pytest

from keyward_proxy.tasks import TaskHolder
from tests.unit.proxy.support import until


async def test_a_failure_is_logged_under_its_name(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise ValueError("broken")

    holder = TaskHolder()
    holder.start(fail(), name="the failing one")
    await until(lambda: len(holder) == 0)
    assert caplog.records[0].task == "the failing one"
    assert "broken" in caplog.text


async def test_closing_cancels_what_runs_and_waits_for_it() -> None:
    ended: list[str] = []

    async def linger() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0)
            ended.append("lingered")

    holder = TaskHolder()
    holder.start(linger(), name="linger")
    await asyncio.sleep(0)
    await holder.close()
    assert ended == ["lingered"]
    assert len(holder) == 0


async def test_an_expected_failure_is_for_those_who_wait_and_not_for_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(error: Exception) -> None:
        raise error

    holder = TaskHolder()
    with pytest.raises(KeyError):
        await holder.start(fail(KeyError("awaited")), name="expected", expected=LookupError)
    await until(lambda: len(holder) == 0)
    assert not caplog.records
    holder.start(fail(ValueError("broken")), name="another", expected=LookupError)
    await until(lambda: len(holder) == 0)
    assert [record.task for record in caplog.records] == ["another"]
