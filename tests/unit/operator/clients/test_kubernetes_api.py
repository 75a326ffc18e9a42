"""The client against an HTTP server that answers as an API server does."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio.client import Configuration

from keyward_operator import kinds
from keyward_operator.clients.connection import Connection
from keyward_operator.clients.errors import ApiError, ConflictError
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.kinds import Reference

CONFIG_MAP = Reference(kind=kinds.CONFIG_MAP, namespace="n", name="a")
Handler = Callable[[web.Request], Awaitable[web.Response]]


@asynccontextmanager
async def serving(handler: Handler, **options: Any) -> AsyncIterator[KubernetesApi]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(application) as server:
        connection = Connection(configuration=Configuration(host=str(server.make_url(""))))
        async with KubernetesApi(connection, field_manager="keyward-test", **options) as api:
            yield api


def refusal(status: int, **fields: Any) -> web.Response:
    return web.json_response({"kind": "Status", "message": "refused", "code": status, **fields}, status=status)


def page(names: list[str], more: str = "") -> web.Response:
    items = [{"metadata": {"name": name}} for name in names]
    return web.json_response({"metadata": {"continue": more}, "items": items})


async def test_a_list_is_read_to_its_last_page() -> None:
    asked = []

    async def handle(request: web.Request) -> web.Response:
        asked.append(dict(request.query))
        return page(["c"]) if request.query.get("continue") else page(["a", "b"], more="next")

    async with serving(handle) as api:
        found = await api.list_all(kinds.KEYSPACES_USER, namespace="n")
    assert [item["metadata"]["name"] for item in found] == ["a", "b", "c"]
    assert [query.get("continue") for query in asked] == [None, "next"]


async def test_a_list_whose_version_expired_begins_anew_and_holds_nothing_of_the_old_one() -> None:
    answers = [page(["old"], more="x"), refusal(410, reason="Expired"), page(["new"])]

    async def handle(request: web.Request) -> web.Response:
        return answers.pop(0)

    async with serving(handle) as api:
        found = await api.list_all(kinds.KEYSPACES_USER, namespace="n")
    assert [item["metadata"]["name"] for item in found] == ["new"]


async def test_a_list_that_breaks_off_is_an_error_and_no_shorter_list() -> None:
    answers = [page(["a"], more="x"), refusal(500)]

    async def handle(request: web.Request) -> web.Response:
        return answers.pop(0)

    async with serving(handle) as api:
        with pytest.raises(ApiError):
            await api.list_all(kinds.KEYSPACES_USER, namespace="n")


async def test_an_object_that_is_not_there_is_none() -> None:
    async def handle(request: web.Request) -> web.Response:
        return refusal(404, reason="NotFound", details={"name": "a"})

    async with serving(handle) as api:
        assert await api.get(CONFIG_MAP) is None
        await api.delete(CONFIG_MAP, uid="u")


@pytest.mark.parametrize("answer", ["404 page not found\n", '{"kind": "Status", "message": "no such resource"}'])
async def test_a_kind_that_is_not_there_tells_nothing_about_objects(answer: str) -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=404, text=answer)

    async with serving(handle) as api:
        with pytest.raises(ApiError):
            await api.get(CONFIG_MAP)


async def test_an_apply_is_forced_and_signed_and_counted() -> None:
    seen: list[tuple[str, str, dict[str, str], Any]] = []
    counted: list[tuple[str, str]] = []

    async def handle(request: web.Request) -> web.Response:
        seen.append((request.method, request.content_type, dict(request.query), await request.json()))
        assert request.headers["User-Agent"].startswith("keyward-operator/")
        return web.json_response({})

    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "n"}, "data": {}}
    async with serving(handle, on_write=lambda kind, verb: counted.append((kind, verb))) as api:
        await api.apply(manifest)
    assert seen == [
        ("PATCH", "application/apply-patch+yaml", {"fieldManager": "keyward-test", "force": "true"}, manifest)
    ]
    assert counted == [("ConfigMap", "apply")]


async def test_a_status_is_applied_to_this_very_object() -> None:
    seen: list[tuple[str, Any]] = []

    async def handle(request: web.Request) -> web.Response:
        seen.append((request.path, await request.json()))
        return web.json_response({})

    reference = Reference(kind=kinds.KEYSPACES_DATABASE, namespace="n", name="a")
    async with serving(handle) as api:
        await api.apply_status(reference, uid="u", status={"grants": 1})
    ((path, body),) = seen
    assert path == "/apis/keyward.dev/v1alpha1/namespaces/n/keyspacesdatabases/a/status"
    assert body["metadata"]["uid"] == "u"
    assert body["status"] == {"grants": 1}


async def test_a_deletion_names_the_uid_and_a_conflict_is_told_and_not_counted() -> None:
    bodies: list[Any] = []
    counted: list[tuple[str, str]] = []

    async def handle(request: web.Request) -> web.Response:
        bodies.append(json.loads(await request.text()))
        return refusal(409, reason="Conflict")

    async with serving(handle, on_write=lambda kind, verb: counted.append((kind, verb))) as api:
        with pytest.raises(ConflictError):
            await api.delete(CONFIG_MAP, uid="u")
    assert bodies[0]["preconditions"] == {"uid": "u"}
    assert counted == []


async def test_only_metadata_is_read_where_that_is_enough() -> None:
    accepted = []

    async def handle(request: web.Request) -> web.Response:
        accepted.append(request.headers["Accept"])
        return page([])

    async with serving(handle) as api:
        await api.list_metadata(kinds.SECRET, namespace="n", label_selector="a=b")
    assert "PartialObjectMetadataList" in accepted[0]


async def test_a_server_that_hangs_is_given_up() -> None:
    release = asyncio.Event()

    async def handle(request: web.Request) -> web.Response:
        await release.wait()
        return web.json_response({})

    async with serving(handle, timeout=0.05) as api:
        with pytest.raises(ApiError, match=r"did not answer in 0\.05 s"):
            await api.get(CONFIG_MAP)
        release.set()


async def test_a_server_that_is_not_there_is_told() -> None:
    connection = Connection(configuration=Configuration(host="http://127.0.0.1:1"))
    async with KubernetesApi(connection, field_manager="keyward-test") as api:
        with pytest.raises(ApiError, match="cannot be reached"):
            await api.get(CONFIG_MAP)
