import asyncio
import threading

import pytest

from keyward_operator.reconcile import databases
from keyward_operator.reconcile.databases import Views
from keyward_operator.scope import Scope
from tests.unit.operator.builders import NOW, observed, settings


async def test_a_view_that_takes_long_keeps_the_loop_from_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Lease is renewed, and health is answered, by the same loop."""
    others_ran = threading.Event()

    def slow(*_: object) -> str:
        assert others_ran.wait(10), "nothing else ran meanwhile"
        return "a view"

    monkeypatch.setattr(databases, "view_of", slow)
    views = Views(Scope(operator_namespace="system", agents_namespace="agents"), settings=settings)
    async with asyncio.TaskGroup() as group:
        working = group.create_task(views.of(observed(), NOW))
        await asyncio.sleep(0)
        others_ran.set()
    assert str(working.result()) == "a view"
