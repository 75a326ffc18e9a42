"""The policies as agents have them: by a watch, which is begun anew where it ends."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Collection
from typing import Any

import aiohttp

from keyward_api import names
from keyward_operator import kinds
from keyward_operator.clients.connection import Connection

_PATH = f"/apis/{names.API_VERSION}/namespaces/{names.AGENTS_NAMESPACE}/{kinds.KEYSPACES_POLICY.plural}"
_AGAIN = 0.2
"""Seconds until a watch that ended is begun anew."""

Json = dict[str, Any]


class Feed:
    """All policies, of which each agent watches one."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: dict[str, list[tuple[str, asyncio.Future[float]]]] = defaultdict(list)
        self.specs: dict[str, Json] = {}
        """By name."""

        self.changed = time.time()
        """When a spec changed last, as Unix time."""

    async def run(self) -> None:
        """Watch until cancelled."""
        async with self._connection.session() as session:
            while True:
                try:
                    await self._watch(session, await self._list(session))
                except (aiohttp.ClientError, OSError, TimeoutError):
                    await asyncio.sleep(_AGAIN)

    async def wait(self, policies: Collection[str], word: str) -> float:
        """Wait until all the policies have a word; the Unix time at which the last one had it."""
        futures = []
        for name in policies:
            future = asyncio.get_running_loop().create_future()
            self._waiting[name].append((word, future))
            futures.append(future)
        return max(await asyncio.gather(*futures))

    async def _list(self, session: aiohttp.ClientSession) -> str:
        async with session.get(self._connection.server + _PATH) as response:
            response.raise_for_status()
            listed = json.loads(await response.read())
        for name in self.specs.keys() - {item["metadata"]["name"] for item in listed["items"]}:
            del self.specs[name]
        for item in listed["items"]:
            self._see(item)
        return str(listed["metadata"]["resourceVersion"])

    async def _watch(self, session: aiohttp.ClientSession, version: str) -> None:
        query = {"watch": "true", "resourceVersion": version}
        endless = aiohttp.ClientTimeout(total=None)
        async with session.get(self._connection.server + _PATH, params=query, timeout=endless) as response:
            response.raise_for_status()
            async for line in _lines(response):
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return
                if event["type"] == "DELETED":
                    self.specs.pop(event["object"]["metadata"]["name"], None)
                else:
                    self._see(event["object"])

    def _see(self, policy: Json) -> None:
        name, spec, now = policy["metadata"]["name"], policy["spec"], time.time()
        if self.specs.get(name) == spec:
            return
        self.specs[name] = spec
        self.changed = now
        text = json.dumps(spec)
        for wanted in [wanted for wanted in self._waiting[name] if wanted[0] in text]:
            self._waiting[name].remove(wanted)
            wanted[1].set_result(now)


async def _lines(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Lines of any length."""
    rest = b""
    async for chunk in response.content.iter_any():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line
