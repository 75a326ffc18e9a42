import asyncio
from typing import Any, Self, cast

import pytest

from keyward_operator import kinds
from keyward_operator.clients.errors import ApiError, ConflictError, NotFoundError
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.journal import Journal
from keyward_operator.keys import Key, TellingKey
from keyward_operator.kinds import Reference
from keyward_operator.plan.access.plan import StatusChange
from keyward_operator.queue.work_queue import WorkQueue
from keyward_operator.reconcile.events import EventRecorder
from keyward_operator.reconcile.telling import Telling
from tests.unit.operator.builders import Json

KEY = TellingKey("payments")


class Api:
    """Takes statuses, once they may be taken, and events."""

    def __init__(self) -> None:
        self.now = 0.0
        self.statuses: list[tuple[str, Any]] = []
        self.events: list[str] = []
        self.errors: dict[str, Exception] = {}
        self.may_write = asyncio.Event()
        self.may_write.set()
        self.begun = asyncio.Event()
        self.journal = Journal()

    def acting_as(self, _: str) -> Self:
        return self

    async def apply_status(self, reference: Reference, *, uid: str, status: Json) -> None:
        self.begun.set()
        await self.may_write.wait()
        if reference.name in self.errors:
            raise self.errors[reference.name]
        assert uid == "u"
        self.statuses.append((reference.name, status["n"]))

    async def record(self, _: object, document: Json, __: object) -> None:
        self.events.append(document["metadata"]["name"])


def made() -> tuple[Telling, Api, WorkQueue[Key]]:
    api, queue = Api(), WorkQueue[Key]()
    recorder = cast(EventRecorder, api)
    clock = lambda: api.now  # noqa: E731
    telling = Telling(cast(KubernetesApi, api), queue, recorder=recorder, journal=api.journal, clock=clock)
    return telling, api, queue


def change(name: str, number: int = 1) -> StatusChange:
    document = {"metadata": {"namespace": "payments", "name": name, "uid": "u", "resourceVersion": "1"}, "spec": {}}
    reference = Reference(kind=kinds.KEYSPACES_USER, namespace="payments", name=name)
    return StatusChange.of(reference, document, status={"n": number}, events=())


async def test_what_a_look_left_is_told_once() -> None:
    telling, api, queue = made()
    telling.leave("payments", [change("a"), change("b")])
    assert await queue.get() == KEY
    await telling.reconcile(KEY)
    await telling.reconcile(KEY)
    assert api.statuses == [("a", 1), ("b", 1)]
    assert api.events == ["a", "b"]


async def test_where_nothing_is_to_be_told_nothing_is_put_in() -> None:
    telling, _, queue = made()
    telling.leave("payments", [])
    assert len(queue) == 0


async def test_what_a_later_look_found_takes_the_place_of_all_that_was_left_before() -> None:
    telling, api, _ = made()
    telling.leave("payments", [change("a"), change("b")])
    await telling.begin("payments")
    telling.leave("payments", [change("b", 2)])
    await telling.reconcile(KEY)
    assert api.statuses == [("b", 2)]


async def test_what_is_told_later_is_told_for_what_was_left_first() -> None:
    telling, api, _ = made()
    for left, cause in (([], "a was added"), ([change("a")], "b was added")):
        api.journal.heard(KEY, cause)
        telling.leave("payments", left)
        with api.journal.look(KEY):
            await telling.reconcile(KEY)
    assert api.journal.of(KEY)[-1].causes == ["a was added", "b was added"]


async def test_a_look_leaves_what_it_found_bit_by_bit() -> None:
    telling, api, _ = made()
    await telling.begin("payments")
    telling.leave("payments", [change("a")])
    await telling.reconcile(KEY)
    telling.leave("payments", [change("b")])
    await telling.reconcile(KEY)
    assert api.statuses == [("a", 1), ("b", 1)]


async def test_looks_that_follow_closely_keep_nothing_from_being_told() -> None:
    telling, api, _ = made()
    for number in range(3):
        await telling.begin("payments")
        telling.leave("payments", [change("a", number)])
        api.now += 0.9
    assert api.statuses == [], "not yet"
    await telling.begin("payments")
    assert api.statuses == [("a", 2)]
    telling.leave("payments", [change("a", 3)])
    await telling.begin("payments")
    assert api.statuses == [("a", 2)], "once it was told there is time again"


async def test_a_look_reads_no_status_that_is_about_to_be_another() -> None:
    telling, api, _ = made()
    telling.leave("payments", [change("a"), change("b")])
    api.may_write.clear()
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(telling.reconcile(KEY))
        await api.begun.wait()
        looking = group.create_task(_look(telling, api))
        await asyncio.sleep(0)
        assert not looking.done()
        api.may_write.set()
    assert api.statuses == [("a", 1)], "the look found that nothing is to be told of b any more"


async def _look(telling: Telling, api: Api) -> None:
    await telling.begin("payments")
    assert api.statuses == [("a", 1)], "what was being written is"


@pytest.mark.parametrize("error", [NotFoundError("gone", status=404), ConflictError("another uid", status=409)])
async def test_of_what_is_gone_nothing_is_told(error: Exception) -> None:
    telling, api, _ = made()
    api.errors["a"] = error
    telling.leave("payments", [change("a"), change("b")])
    await telling.reconcile(KEY)
    assert (api.statuses, api.events) == ([("b", 1)], ["b"])
    del api.errors["a"]
    await telling.reconcile(KEY)
    assert api.statuses == [("b", 1)]


async def test_what_could_not_be_told_keeps_nothing_else_waiting_and_is_told_later() -> None:
    telling, api, _ = made()
    api.errors["a"] = ApiError("no answer", status=0)
    telling.leave("payments", [change("a"), change("b")])
    with pytest.raises(ApiError, match="no answer"):
        await telling.reconcile(KEY)
    assert api.statuses == [("b", 1)]
    del api.errors["a"]
    await telling.reconcile(KEY)
    assert api.statuses == [("b", 1), ("a", 1)]
