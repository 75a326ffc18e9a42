"""An API server in miniature: one policy object with a watch, its status, TokenReview, Leases."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Callable
from typing import Any

from aiohttp import web
from kubernetes.aio.client import Configuration


class MiniatureAPIServer:
    """Serves what tests put into it, and remembers what was asked."""

    def __init__(self) -> None:
        self.object: dict[str, Any] | None = None
        self.version = 100
        self.requests: list[web.Request] = []
        self.applied: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.agents: dict[str, dict[str, Any]] = {}
        self.leases: dict[str, dict[str, Any]] = {}
        """By path: the specs of Leases."""
        self._managed: dict[str, set[str]] = {}
        self.failing = 0
        """HTTP status of every answer, while it is not 0."""
        self.review: Callable[[dict[str, Any]], dict[str, Any]] = lambda spec: {"authenticated": False}
        """From a TokenReview's spec to its status."""
        self._watches: list[asyncio.Queue[dict[str, Any] | None]] = []
        self._history: list[tuple[int, dict[str, Any]]] = []
        """What became of the object, by version: a watch begins behind the version that it names."""
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self) -> None:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        self.end_watches()
        if self._runner:
            await self._runner.cleanup()

    def configuration(self) -> Configuration:
        return Configuration(host=self.url)

    # What tests do to the object.

    def put(self, spec: dict[str, Any], *, event: str | None = None) -> None:
        kind = event or ("ADDED" if self.object is None else "MODIFIED")
        self.version += 1
        self.object = {"metadata": {"name": "policy"}, "spec": spec}
        self._changed(kind)

    def report(self, *agents: dict[str, Any]) -> None:
        """These are the entries in the object's status, for the present and from now on."""
        self.agents = {agent["pod"]: agent for agent in agents}
        if self.object:
            self.version += 1
            self._changed("MODIFIED")

    def _changed(self, kind: str) -> None:
        assert self.object
        self.object["metadata"] = {"name": "policy", "resourceVersion": str(self.version)}
        self.object["status"] = {"agents": list(self.agents.values())}
        self._happened({"type": kind, "object": copy.deepcopy(self.object)})

    def remove(self) -> None:
        self.version += 1
        gone = dict(self.object or {}) | {"metadata": {"name": "policy", "resourceVersion": str(self.version)}}
        self.object = None
        self._happened({"type": "DELETED", "object": gone})

    def _happened(self, event: dict[str, Any]) -> None:
        self._history.append((self.version, event))
        self.send(event)

    def bookmark(self) -> None:
        self.version += 1
        self.send({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(self.version)}}})

    def send(self, event: dict[str, Any]) -> None:
        for queue in self._watches:
            queue.put_nowait(event)

    def end_watches(self) -> None:
        for queue in self._watches:
            queue.put_nowait(None)

    @property
    def watching(self) -> int:
        return len(self._watches)

    def asked(self, method: str, *, watch: bool = False) -> list[web.Request]:
        return [r for r in self.requests if r.method == method and ("watch" in r.query) == watch]

    # Serving.

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        if self.failing:
            return web.json_response({"kind": "Status", "message": "no"}, status=self.failing)
        if request.method == "PATCH":
            self._applied(dict(request.query), json.loads(await request.text()))
            return web.json_response({})
        if request.path.endswith("/tokenreviews"):
            return web.json_response({"status": self.review((await request.json())["spec"])})
        if "watch" in request.query:
            return await self._watch(request)
        if "/leases/" in request.path:
            return self._lease(request.path)
        if self.object is None:
            return web.json_response({"kind": "Status"}, status=404)
        if "as=PartialObjectMetadata" in request.headers["Accept"]:
            return web.json_response({"metadata": self.object["metadata"]})
        return web.json_response(self.object)

    def _lease(self, path: str) -> web.Response:
        if path not in self.leases:
            return web.json_response({"kind": "Status"}, status=404)
        return web.json_response({"metadata": {"name": path.rpartition("/")[2]}, "spec": self.leases[path]})

    def _applied(self, parameters: dict[str, str], body: dict[str, Any]) -> None:
        """Server-side apply, as far as agents use it: each field manager has its own entries."""
        self.applied.append((parameters, body))
        manager = parameters.get("fieldManager", "")
        mine = self._managed.get(manager, set())
        entries = {entry["pod"]: entry for entry in body.get("status", {}).get("agents", [])}
        self._managed[manager] = set(entries)
        left = {pod: entry for pod, entry in self.agents.items() if pod not in mine}
        self.report(*(left | entries).values())

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        for event in self._missed(int(request.query.get("resourceVersion", "0"))):
            queue.put_nowait(event)
        self._watches.append(queue)
        try:
            while (event := await queue.get()) is not None:
                await response.write(json.dumps(event).encode() + b"\n")
        finally:
            self._watches.remove(queue)
        return response

    def _missed(self, version: int) -> list[dict[str, Any]]:
        """As the real one: from version 0 on the object as it is, from any other on all that happened."""
        if not version:
            return [{"type": "ADDED", "object": copy.deepcopy(self.object)}] if self.object else []
        return [event for happened, event in self._history if happened > version]
