import asyncio
from typing import Any, Self, cast

import pytest

from keyward_operator.clients.errors import ApiError, ConflictError
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.errors import OvertakenError
from keyward_operator.keys import DatabaseKey
from keyward_operator.reconcile.publisher import Publisher

KEY, OTHER = DatabaseKey("payments", "orders"), DatabaseKey("payments", "stock")
LIVE = {"metadata": {"resourceVersion": "7", "generation": 3}}


class Api:
    """Takes writes; each waits for `may_write`."""

    def __init__(self) -> None:
        self.written: list[tuple[Any, str | None]] = []
        self.may_write = asyncio.Event()
        self.may_write.set()
        self.begun = asyncio.Event()
        self.error: ApiError | None = None

    def acting_as(self, _: str) -> Self:
        return self

    async def apply(self, manifest: Any, *, resource_version: str | None) -> Any:
        self.begun.set()
        await self.may_write.wait()
        if self.error:
            raise self.error
        self.written.append((manifest, resource_version))
        return {"metadata": {"generation": 4}}


def made() -> tuple[Publisher, Api]:
    api = Api()
    return Publisher(cast(KubernetesApi, api)), api


async def test_a_policy_is_written_while_it_has_the_version_that_was_read() -> None:
    publisher, api = made()
    await publisher.publish(KEY, {"a": 1}, ticket=publisher.ticket(), live=LIVE)
    await publisher.publish(KEY, {"a": 2}, ticket=publisher.ticket(), live=None)
    assert api.written == [({"a": 1}, "7"), ({"a": 2}, None)]


async def test_what_is_of_our_writing_is_known_before_the_answer_is_here() -> None:
    publisher, api = made()
    assert not publisher.wrote(KEY, 1)
    api.may_write.clear()
    async with asyncio.TaskGroup() as group:
        group.create_task(publisher.publish(KEY, {"a": 1}, ticket=publisher.ticket(), live=LIVE))
        await api.begun.wait()
        assert publisher.wrote(KEY, 4)
        api.may_write.set()
    assert publisher.wrote(KEY, 4)
    assert not publisher.wrote(KEY, 5), "somebody else's"
    assert not publisher.wrote(OTHER, 4)


@pytest.mark.parametrize("newer", [None, {"a": 2}], ids=["had nothing to write", "wrote"])
async def test_who_began_to_read_before_somebody_who_was_here_must_look_again(newer: dict[str, int] | None) -> None:
    publisher, api = made()
    older, ticket = publisher.ticket(), publisher.ticket()
    await publisher.publish(KEY, newer, ticket=ticket, live=LIVE)
    before = list(api.written)
    for manifest in ({"a": 1}, None):
        with pytest.raises(OvertakenError):
            await publisher.publish(KEY, manifest, ticket=older, live=LIVE)
    assert api.written == before
    await publisher.publish(OTHER, {"a": 1}, ticket=older, live=LIVE)
    assert len(api.written) == len(before) + 1, "of another policy it says nothing"


async def test_who_read_the_policy_while_it_was_written_must_look_again() -> None:
    publisher, api = made()
    api.may_write.clear()

    async def judge() -> None:
        with pytest.raises(OvertakenError):
            await publisher.publish(KEY, None, ticket=publisher.ticket(), live=LIVE)

    async with asyncio.TaskGroup() as group:
        group.create_task(publisher.publish(KEY, {"a": 1}, ticket=publisher.ticket(), live=LIVE))
        await api.begun.wait()
        group.create_task(judge())
        await asyncio.sleep(0)
        api.may_write.set()
    await publisher.publish(KEY, None, ticket=publisher.ticket(), live=LIVE)


@pytest.mark.parametrize(
    ("error", "raised"),
    [(ConflictError("another version", status=409), OvertakenError), (ApiError("no answer", status=0), ApiError)],
)
async def test_after_a_write_of_which_nobody_knows_what_became_all_must_look_again(
    error: ApiError, raised: type[Exception]
) -> None:
    publisher, api = made()
    api.error = error
    first, second = publisher.ticket(), publisher.ticket()
    with pytest.raises(raised):
        await publisher.publish(KEY, {"a": 1}, ticket=first, live=LIVE)
    with pytest.raises(OvertakenError):
        await publisher.publish(KEY, None, ticket=second, live=LIVE)


async def test_a_database_that_is_gone_is_forgotten() -> None:
    publisher, _ = made()
    older, ticket = publisher.ticket(), publisher.ticket()
    await publisher.publish(KEY, None, ticket=ticket, live=None)
    publisher.forget(KEY)
    await publisher.publish(KEY, None, ticket=older, live=None)


async def test_whoever_writes_a_policy_it_is_counted() -> None:
    publisher, _ = made()
    before = publisher.writes(KEY)
    publisher.wrote(KEY, 4)
    forged = publisher.writes(KEY)
    assert forged != before, "by somebody else, before this process wrote anything"
    await publisher.publish(KEY, {"a": 1}, ticket=publisher.ticket(), live=LIVE)
    assert publisher.wrote(KEY, 4)
    ours = publisher.writes(KEY)
    assert ours != forged
    await publisher.publish(KEY, None, ticket=publisher.ticket(), live=LIVE)
    assert publisher.writes(KEY) == ours, "it was found as it shall be"
    publisher.wrote(KEY, 5)
    assert publisher.writes(KEY) != ours, "somebody else wrote it"


async def test_what_was_counted_during_a_write_is_not_the_count_after_it() -> None:
    """For the policy that was read then may be that of before."""
    publisher, api = made()
    api.may_write.clear()
    async with asyncio.TaskGroup() as group:
        group.create_task(publisher.publish(KEY, {"a": 1}, ticket=publisher.ticket(), live=LIVE))
        await api.begun.wait()
        during = publisher.writes(KEY)
        api.may_write.set()
    assert publisher.writes(KEY) != during


@pytest.mark.parametrize("error", [ConflictError("too late", status=409), ApiError("no answer", status=0)])
async def test_a_write_that_failed_makes_nobody_else_s_writing_ours(error: ApiError) -> None:
    publisher, api = made()
    api.error = error
    with pytest.raises((OvertakenError, ApiError)):
        await publisher.publish(KEY, {"a": 1}, ticket=publisher.ticket(), live=LIVE)
    assert not publisher.wrote(KEY, 4)
