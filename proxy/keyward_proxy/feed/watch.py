"""Watches one KeyspacesPolicy object: its spec is the policy, its status tells of all agents of the database.

Get once, then watch from that version: RBAC allows `get` and `watch` of that one object, `list` is not needed. A watch
that ends in order goes on from the last version seen; after anything else (410 Gone, an error, a silence) the
object is got again, so that nothing is missed and nothing stale is kept. While the API server is away the last
policy stays in force.

That the policy in force is still the newest is told as well: by each event and bookmark, and where none comes for a
while by asking for the object's version alone. A watch that owes a version is begun anew.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol, TypeAlias

from pydantic import ValidationError

from keyward_api.names import API_VERSION
from keyward_api.resources.policy import KeyspacesPolicySpec
from keyward_proxy.feed.replicas import Replica, replicas_of
from keyward_proxy.feed.silences import with_silences
from keyward_proxy.kubernetes_api import JSON, METADATA_ALONE, KubernetesAPI, KubernetesUnavailable

logger = logging.getLogger(__name__)

WATCH_SECONDS = 300
"""The server is asked to end each watch about then; agents spread over a fifth of it."""

SILENCE_SECONDS = 20.0
"""A watch that is silent for so long is doubted; bookmarks come about every minute."""

FIRST_BACKOFF_SECONDS = 0.25
MAXIMUM_BACKOFF_SECONDS = 15.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplicasChanged:
    """The agents of the database are these now."""

    replicas: tuple[Replica, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyConfirmed:
    """The policy in force is the newest that the API server has, at this moment."""


News: TypeAlias = KeyspacesPolicySpec | ReplicasChanged | PolicyConfirmed | None


class _Unchanged(Enum):
    """In the place of an object that is as it was."""

    UNCHANGED = "unchanged"


_Document: TypeAlias = dict[str, Any] | _Unchanged | None


class PolicySource(Protocol):
    """Where the policy comes from."""

    def policies(self) -> AsyncIterator[News]:
        """Each policy that comes into force, the present one first; None: there is none (any more). Never ends.

        A source that knows of other agents tells of them too: at first ahead of the policy, then whenever they change.
        One that is far away tells how current the policy in force is: a policy is news of this moment, and from then on
        it is confirmed from time to time.
        """


def policy_path(namespace: str, name: str | None = None) -> str:
    """The API path of the namespace's policies, or of one."""
    path = f"/apis/{API_VERSION}/namespaces/{namespace}/keyspacespolicies"
    return f"{path}/{name}" if name else path


class KubernetesPolicySource:
    """The policy object in the cluster."""

    def __init__(self, api: KubernetesAPI, *, namespace: str, name: str) -> None:
        self._api = api
        self._namespace = namespace
        self._name = name
        self._version = ""
        """resourceVersion to watch from; empty: the object must be got first."""
        self._own_version = ""
        """resourceVersion of the object itself; empty where there is none."""

    async def policies(self) -> AsyncIterator[News]:
        """See `PolicySource.policies`."""
        backoff = FIRST_BACKOFF_SECONDS
        reading = _Reading()
        while True:
            try:
                async for document in self._documents():
                    backoff = FIRST_BACKOFF_SECONDS
                    for news in reading.news(document):
                        yield news
            except KubernetesUnavailable as error:
                self._version = ""
                logger.warning("policy watch interrupted", extra={"error": str(error)})
                await asyncio.sleep(backoff * random.uniform(0.5, 1.5))  # noqa: S311
                backoff = min(backoff * 2, MAXIMUM_BACKOFF_SECONDS)

    async def _documents(self) -> AsyncIterator[_Document]:
        """The object whenever it changes, None when it is gone, until the watch ends; and that it is unchanged."""
        if not self._version:
            document = await self._get()
            self._own_version = _version(document)
            self._version = self._own_version or "0"
            yield document
        parameters = {
            "fieldSelector": f"metadata.name={self._name}",
            "resourceVersion": self._version,
            "timeoutSeconds": str(random.randint(WATCH_SECONDS * 4 // 5, WATCH_SECONDS)),  # noqa: S311
        }
        watch = self._api.watch(policy_path(self._namespace), parameters=parameters)
        async with aclosing(with_silences(watch, seconds=SILENCE_SECONDS)) as events:
            async for event in events:
                if event is not None:
                    yield self._told(event)
                elif await self._owes():
                    self._version = ""
                    return
                else:
                    yield _Unchanged.UNCHANGED

    def _told(self, event: dict[str, Any]) -> _Document:
        """What an event of the watch says; raises KubernetesUnavailable where that is that the watch is over."""
        kind, document = event.get("type"), event.get("object") or {}
        if kind == "ERROR":
            raise KubernetesUnavailable(
                f"the watch ended: {document.get('message')}", status=int(document.get("code") or 0)
            )
        self._version = _version(document)
        if kind == "DELETED":
            self._own_version = ""
            return None
        if kind not in ("ADDED", "MODIFIED"):
            return _Unchanged.UNCHANGED
        self._own_version = self._version
        return dict(document)

    async def _owes(self) -> bool:
        """Whether the object is another than the watch told; raises KubernetesUnavailable."""
        return _version(await self._get(accept=METADATA_ALONE)) != self._own_version

    async def _get(self, *, accept: str = JSON) -> dict[str, Any] | None:
        try:
            return await self._api.request("GET", policy_path(self._namespace, self._name), accept=accept)
        except KubernetesUnavailable as error:
            if error.status == 404:
                return None
            raise


class _Reading:
    """What was made of the object so far."""

    def __init__(self) -> None:
        self._revision: str | None = ""
        self._replicas: tuple[Replica, ...] | None = None
        self._readable = False
        """Whether the newest policy is the one in force: one that cannot be read is not."""

    def news(self, document: _Document) -> Iterator[News]:
        """What is new in the object."""
        if not isinstance(document, _Unchanged):
            yield from self._agents(document)
            if document is not None and _revision(document) == self._revision:
                self._readable = True  # Only the status is news: the spec need not be read again.
            else:
                spec, self._readable = self._read(document)
                found = spec.revision if spec else None
                if self._readable and found != self._revision:
                    self._revision = found
                    yield spec
                    return
        if self._readable:
            yield PolicyConfirmed()

    def _agents(self, document: dict[str, Any] | None) -> Iterator[ReplicasChanged]:
        reported = replicas_of(document)
        if reported != self._replicas:
            self._replicas = reported
            yield ReplicasChanged(replicas=reported)

    def _read(self, document: dict[str, Any] | None) -> tuple[KeyspacesPolicySpec | None, bool]:
        """The spec, and whether there was one to read: an unreadable policy leaves the last one in force."""
        if document is None:
            return None, True
        try:
            return KeyspacesPolicySpec.model_validate(document.get("spec")), True
        except ValidationError as error:
            problems = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:3]]
            logger.error("policy not readable, the last one stays in force", extra={"problems": problems})
            return None, False


def _revision(document: dict[str, Any]) -> object:
    spec = document.get("spec")
    return spec.get("revision") if isinstance(spec, dict) else None


def _version(document: dict[str, Any] | None) -> str:
    return str((document or {}).get("metadata", {}).get("resourceVersion", ""))
