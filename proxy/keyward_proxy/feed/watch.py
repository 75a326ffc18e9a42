"""Watches one KeyspacesPolicy object: its spec is the policy, its status tells of all agents of the database.

Get once, then watch from that version: RBAC allows `get` and `watch` of that one object, `list` is not needed. A watch
that ends in order goes on from the last version seen; after anything else (410 Gone, an error, a silence) the
object is got again, so that nothing is missed and nothing stale is kept. While the API server is away the last
policy stays in force.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from pydantic import ValidationError

from keyward_api.names import API_VERSION
from keyward_api.resources.policy import KeyspacesPolicySpec
from keyward_proxy.feed.replicas import Replica, replicas_of
from keyward_proxy.kubernetes_api import KubernetesAPI, KubernetesUnavailable

logger = logging.getLogger(__name__)

WATCH_SECONDS = 300
"""The server is asked to end each watch about then; agents spread over a fifth of it."""

FIRST_BACKOFF_SECONDS = 0.25
MAXIMUM_BACKOFF_SECONDS = 15.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplicasChanged:
    """The agents of the database are these now."""

    replicas: tuple[Replica, ...]


News: TypeAlias = KeyspacesPolicySpec | ReplicasChanged | None


class PolicySource(Protocol):
    """Where the policy comes from."""

    def policies(self) -> AsyncIterator[News]:
        """Each policy that comes into force, the present one first; None: there is none (any more). Never ends.

        A source that knows of other agents tells of them too: at first ahead of the policy, then whenever they change.
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

    async def policies(self) -> AsyncIterator[News]:
        """See `PolicySource.policies`."""
        backoff = FIRST_BACKOFF_SECONDS
        revision: str | None = ""
        replicas: tuple[Replica, ...] | None = None
        while True:
            try:
                async for document in self._documents():
                    backoff = FIRST_BACKOFF_SECONDS
                    reported = replicas_of(document)
                    if reported != replicas:
                        replicas = reported
                        yield ReplicasChanged(replicas=reported)
                    if document is not None and _revision(document) == revision:
                        continue  # Only the status is news: the spec need not be read again.
                    spec, readable = self._read(document)
                    found = spec.revision if spec else None
                    if readable and found != revision:
                        revision = found
                        yield spec
            except KubernetesUnavailable as error:
                self._version = ""
                logger.warning("policy watch interrupted", extra={"error": str(error)})
                await asyncio.sleep(backoff * random.uniform(0.5, 1.5))  # noqa: S311
                backoff = min(backoff * 2, MAXIMUM_BACKOFF_SECONDS)

    async def _documents(self) -> AsyncIterator[dict[str, Any] | None]:
        """The object whenever it changes, None when it is gone, until the watch ends."""
        if not self._version:
            document = await self._get()
            self._version = document["metadata"]["resourceVersion"] if document else "0"
            yield document
        parameters = {
            "fieldSelector": f"metadata.name={self._name}",
            "resourceVersion": self._version,
            "timeoutSeconds": str(random.randint(WATCH_SECONDS * 4 // 5, WATCH_SECONDS)),  # noqa: S311
        }
        async for event in self._api.watch(policy_path(self._namespace), parameters=parameters):
            kind, document = event.get("type"), event.get("object") or {}
            if kind == "ERROR":
                raise KubernetesUnavailable(
                    f"the watch ended: {document.get('message')}", status=int(document.get("code") or 0)
                )
            self._version = document.get("metadata", {}).get("resourceVersion", "")
            if kind == "DELETED":
                yield None
            elif kind in ("ADDED", "MODIFIED"):
                yield document

    async def _get(self) -> dict[str, Any] | None:
        try:
            return await self._api.request("GET", policy_path(self._namespace, self._name))
        except KubernetesUnavailable as error:
            if error.status == 404:
                return None
            raise

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
