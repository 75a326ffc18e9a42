"""Descriptions are written one at a time, beside the event loop."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator

import pytest

from keyward_proxy.cql.description import Subject
from keyward_proxy.describe import answer as answering
from keyward_proxy.describe.inquiry import Answer, DescriptionError, Inquiry
from keyward_proxy.net.describer import MAXIMUM_WAITING, Describer
from tests.unit.proxy.describe.schemas import Rows, inquiry, keyspace, table, told
from tests.unit.proxy.session.script import rule
from tests.unit.proxy.support import until

ASKED = inquiry(Subject.TABLES, "shop", allow=(rule("keeper/allow/0", "shop", "*", "Select"),))


class Slow:
    """Stands where answers are written, and takes as long as it is told."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.running = 0
        self.most = 0
        self.calls = 0

    def answer(self, inquiry: Inquiry) -> Answer:
        self.calls += 1
        self.running += 1
        self.most = max(self.most, self.running)
        self.gate.wait(20)
        self.running -= 1
        return Answer(body=b"", rows=0)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    made = Slow()
    monkeypatch.setattr(answering, "answer", made.answer)
    yield made
    made.gate.set()


async def test_an_answer_comes_back() -> None:
    assert told(await Describer().describe(ASKED)) == [("shop", "table", '"Items"'), ("shop", "table", "orders")]


async def test_what_does_not_exist_is_told() -> None:
    missing = inquiry(Subject.TABLE, "bank", "accounts", allow=(rule("keeper/allow/0", "shop", "*", "Select"),))
    with pytest.raises(DescriptionError, match="'bank' not found in keyspaces"):
        await Describer().describe(missing)


async def test_a_fault_is_logged_and_told_without_its_trace(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(inquiry: Inquiry) -> Answer:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(answering, "answer", fail)
    with caplog.at_level(logging.ERROR), pytest.raises(DescriptionError, match="its log says why") as refused:
        await Describer().describe(ASKED)
    assert "a fault of ours" not in str(refused.value)
    assert "a fault of ours" in caplog.text


def begin(describer: Describer) -> list[asyncio.Task[Answer]]:
    """As many descriptions as may wait."""
    loop = asyncio.get_running_loop()
    return [loop.create_task(describer.describe(ASKED)) for _ in range(MAXIMUM_WAITING)]


async def test_one_is_written_at_a_time_and_only_so_many_wait(slow: Slow) -> None:
    describer = Describer()
    tasks = begin(describer)
    await until(lambda: slow.running == 1)
    with pytest.raises(DescriptionError, match="send this one again later") as refused:
        await describer.describe(ASKED)
    assert refused.value.code == 0x1001
    slow.gate.set()
    await asyncio.gather(*tasks)
    assert (slow.calls, slow.most) == (MAXIMUM_WAITING, 1)
    assert (await describer.describe(ASKED)).rows == 0


async def test_whoever_leaves_the_queue_makes_room_and_costs_nothing(slow: Slow) -> None:
    describer = Describer()
    tasks = begin(describer)
    await until(lambda: slow.running == 1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    slow.gate.set()
    assert (await describer.describe(ASKED)).rows == 0
    assert slow.calls == 2


def wide(tables: int, columns: int) -> list[Rows]:
    """A keyspace of so many tables, on as few pages as Keyspaces would send."""
    described = [("id", "int", "partition_key", 0, "none")]
    described += [(f"c{n}", "text", "regular", -1, "none") for n in range(columns)]
    made = [table("wide", f"t{n:03}", columns=described) for n in range(tables)]
    page = {name: [row for part in made for row in part[name]] for name in ("tables", "columns")}
    return [keyspace("wide"), page]


async def test_the_loop_goes_on_while_as_many_tables_are_written_as_an_account_may_have() -> None:
    asked = inquiry(Subject.KEYSPACE, "wide", allow=(rule("o/allow/0", "*", "*", "Select"),), parts=wide(256, 20))
    describer = Describer()
    await describer.describe(ASKED)
    task = asyncio.get_running_loop().create_task(describer.describe(asked))
    turns = 0
    while not task.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert (await task).rows == 257
    assert turns >= 5
