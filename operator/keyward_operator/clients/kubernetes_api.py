"""Calls to the API server as the reconcilers need them: plain objects in, plain objects out.

It speaks HTTP by itself, with what the official client knows of servers and credentials (`connection`): the generic
client of that package takes half as long again for a request, twice as long where there is nothing, and of it neither
discovery (the kinds are known) nor wrapped results would be used. Every request has a timeout. Writes are counted, for
that nothing is written when nothing changed is a promise worth watching.
"""

import asyncio
import copy
import json
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Literal, Self

import aiohttp

from keyward_operator import metrics
from keyward_operator.clients.connection import CONNECTIONS, Connection
from keyward_operator.clients.errors import BY_STATUS, ApiError, ExpiredError, NotFoundError
from keyward_operator.json_types import Json
from keyward_operator.kinds import Kind, Reference, reference_to

REQUEST_TIMEOUT = 30.0
"""Seconds; a list of one page or one write takes far less."""

PAGE = 100
"""Objects asked for at once."""

_JSON = "application/json"
METADATA_OF_MANY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
"""Objects without spec, status and data: Kubernetes API concepts, "Metadata-only fetches". Writes are answered with
them, for that is shorter and says no secret again."""

_APPLY = {"Content-Type": "application/apply-patch+yaml"}
_MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}

CountWrite = Callable[[str, str], None]
"""Told the kind and the verb of each write that the server accepted."""


def _count_nothing(kind: str, verb: str) -> None:
    pass


Verb = Literal["get", "list", "create", "apply", "patch", "delete"]
"""What is asked for; in metrics an operation."""

_METHODS: Mapping[Verb, str] = {
    "get": "GET",
    "list": "GET",
    "create": "POST",
    "apply": "PATCH",
    "patch": "PATCH",
    "delete": "DELETE",
}

_ANSWERED_WITH_METADATA: Collection[Verb] = ("create", "apply", "patch")


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One request."""

    verb: Verb
    path: str
    kind: str = ""
    """The kind that it is about; empty where it is about none."""

    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Json | None = None


class KubernetesApi:
    """The API server. All methods raise ApiError and its kinds."""

    def __init__(
        self,
        connection: Connection,
        *,
        field_manager: str,
        on_write: CountWrite = _count_nothing,
        timeout: float = REQUEST_TIMEOUT,
    ) -> None:
        """`field_manager` is one of names.FieldManager; `timeout` is in seconds, for each request."""
        self._connection = connection
        self._session = connection.session(limit=CONNECTIONS)
        self._field_manager = field_manager
        self._on_write = on_write
        self._timeout = aiohttp.ClientTimeout(total=timeout)

    def acting_as(self, field_manager: str) -> Self:
        """The same connection, with writes in the name of another reconciler."""
        other = copy.copy(self)
        other._field_manager = field_manager
        return other

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def get(self, reference: Reference) -> Json | None:
        """The object, or None where there is none."""
        try:
            return await self._call(Request(verb="get", path=_path(reference), kind=reference.kind.kind))
        except NotFoundError:
            return None

    async def list_all(
        self, kind: Kind, *, namespace: str | None = None, label_selector: str | None = None
    ) -> list[Json]:
        """All objects: the complete list or an error, never a part of it.

        Read page by page from one resource version; where that version expires meanwhile, from the beginning again.
        """
        while True:
            try:
                return await self._list_pages(kind, namespace, label_selector)
            except ExpiredError:
                await asyncio.sleep(0)

    async def list_metadata(self, kind: Kind, *, namespace: str | None = None, label_selector: str) -> list[Json]:
        """As `list_all`, but of each object only its metadata: no Secret's data is read to learn its name."""
        while True:
            try:
                return await self._list_pages(kind, namespace, label_selector, accept=METADATA_OF_MANY)
            except ExpiredError:
                await asyncio.sleep(0)

    async def pages_of_metadata(self, kind: Kind, *, namespace: str | None, label_selector: str) -> AsyncIterator[Json]:
        """The metadata of all objects, of which never more than a page is held. Raises ExpiredError half-way."""
        async for items in self._pages(kind, namespace, label_selector, accept=METADATA_OF_MANY):
            for item in items:
                yield item["metadata"]

    async def _list_pages(
        self, kind: Kind, namespace: str | None, label_selector: str | None, accept: str = _JSON
    ) -> list[Json]:
        return [item async for items in self._pages(kind, namespace, label_selector, accept) for item in items]

    async def _pages(
        self, kind: Kind, namespace: str | None, label_selector: str | None, accept: str
    ) -> AsyncIterator[list[Json]]:
        query = {"limit": str(PAGE)} | ({"labelSelector": label_selector} if label_selector else {})
        path = _collection(kind, namespace or "")
        while True:
            page = await self._call(
                Request(verb="list", path=path, kind=kind.kind, query=query, headers={"Accept": accept})
            )
            yield page["items"] or []  # an empty list of metadata comes as null
            token = page["metadata"].get("continue")
            if not token:
                return
            query |= {"continue": token}

    async def get_path(self, path: str) -> Json:
        """A document that is no object: discovery, OpenID configuration."""
        return await self._call(Request(verb="get", path=path))

    async def create(self, manifest: Json, *, kind: Kind | None = None) -> Json:
        """Create an object; ConflictError where one of its name exists. Returns its metadata."""
        kind = kind or reference_to(manifest).kind
        path = _collection(kind, manifest["metadata"].get("namespace") or "")
        created = await self._call(
            Request(verb="create", path=path, kind=kind.kind, query=self._signed(), body=manifest)
        )
        self._on_write(kind.kind, "create")
        return created

    async def apply(self, manifest: Json, *, resource_version: str | None = None) -> Json:
        """Server-side apply, with force: what the manifest says is ours to say. Returns the object's metadata.

        With a resource version, only to the object of that version (ConflictError).
        """
        reference = reference_to(manifest)
        if resource_version is not None:
            manifest = manifest | {"metadata": manifest["metadata"] | {"resourceVersion": resource_version}}
        applied = await self._apply(reference.kind, _path(reference), manifest)
        self._on_write(reference.kind.kind, "apply")
        return applied

    async def apply_status(self, reference: Reference, *, uid: str, status: Json) -> Json:
        """Server-side apply of an object's status; ConflictError where the name is another object's by now.

        Returns the object's metadata.
        """
        kind = reference.kind
        body = {
            "apiVersion": kind.api_version,
            "kind": kind.kind,
            "metadata": {"name": reference.name, "namespace": reference.namespace, "uid": uid},
            "status": status,
        }
        applied = await self._apply(kind, _path(reference, "status"), body)
        self._on_write(kind.kind, "status")
        return applied

    async def merge_patch(self, reference: Reference, patch: Json, *, subresource: str | None = None) -> Json:
        """JSON merge patch. A `metadata.resourceVersion` in it makes it conditional (ConflictError).

        Returns the object's metadata.
        """
        path, kind = _path(reference, subresource), reference.kind.kind
        patched = await self._call(
            Request(verb="patch", path=path, kind=kind, query=self._signed(), headers=_MERGE_PATCH, body=patch)
        )
        self._on_write(kind, "patch")
        return patched

    async def delete(self, reference: Reference, *, uid: str) -> None:
        """Delete this very object; nothing where it is gone, ConflictError where its name is another's by now."""
        kind = reference.kind.kind
        options = {"propagationPolicy": "Background", "preconditions": {"uid": uid}}
        try:
            await self._call(Request(verb="delete", path=_path(reference), kind=kind, body=options))
        except NotFoundError:
            return
        self._on_write(kind, "delete")

    def _signed(self) -> dict[str, str]:
        return {"fieldManager": self._field_manager}

    async def _apply(self, kind: Kind, path: str, body: Json) -> Json:
        query = self._signed() | {"force": "true"}
        return await self._call(
            Request(verb="apply", path=path, kind=kind.kind, query=query, headers=_APPLY, body=body)
        )

    async def _call(self, request: Request) -> Json:
        begin, outcome = time.monotonic(), "error"
        try:
            document = await self._request(request)
            outcome = "success"
        finally:
            labels = metrics.CALL_SECONDS.labels(service="kubernetes", operation=request.verb, outcome=outcome)
            labels.observe(time.monotonic() - begin)
        return document

    async def _request(self, request: Request) -> Json:
        accept = METADATA if request.verb in _ANSWERED_WITH_METADATA else _JSON
        try:
            async with self._session.request(
                _METHODS[request.verb],
                self._connection.server + request.path,
                params=request.query,
                headers={"Accept": accept, "Content-Type": _JSON, **request.headers},
                data=None if request.body is None else json.dumps(request.body).encode(),
                timeout=self._timeout,
                server_hostname=self._connection.server_hostname,
            ) as response:
                content = await response.read()
        except TimeoutError as error:
            raise ApiError(f"the API server did not answer in {self._timeout.total} s", status=0) from error
        except (aiohttp.ClientError, OSError) as error:
            raise ApiError(f"the API server cannot be reached: {error}", status=0) from error
        if not response.ok:
            raise _refusal(response, content)
        document: Json = json.loads(content)
        return document


def _collection(kind: Kind, namespace: str) -> str:
    """All objects of a kind: of one namespace, or where that is empty of all."""
    prefix = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    return f"{prefix}/namespaces/{namespace}/{kind.plural}" if namespace else f"{prefix}/{kind.plural}"


def _path(reference: Reference, subresource: str | None = None) -> str:
    path = f"{_collection(reference.kind, reference.namespace)}/{reference.name}"
    return f"{path}/{subresource}" if subresource else path


def _refusal(response: aiohttp.ClientResponse, content: bytes) -> ApiError:
    status = response.status
    try:
        answer = json.loads(content)
        message = f"{answer['message']} (HTTP {status})"
    except (ValueError, KeyError, TypeError):
        return ApiError(f"{response.reason} (HTTP {status})", status=status)
    if status == HTTPStatus.NOT_FOUND and not (answer.get("details") or {}).get("name"):
        # Not the object is missing but its kind: that says nothing about objects, least of all that they are gone.
        return ApiError(message, status=status)
    return BY_STATUS.get(status, ApiError)(message, status=status)
