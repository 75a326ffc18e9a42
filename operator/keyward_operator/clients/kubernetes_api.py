"""Calls to the API server as the reconcilers need them: plain objects in, plain objects out.

It stands on the official client's dynamic client, of which neither discovery (the kinds are known) nor wrapped results
(they cost a walk over each object) are used. Every request has a timeout. Writes are counted, for that nothing is
written when nothing changed is a promise worth watching.
"""

import asyncio
import copy
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import aiohttp
from kubernetes.aio.client import ApiClient
from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.dynamic import DynamicClient
from kubernetes.aio.dynamic.resource import Resource

from keyward_operator import metrics
from keyward_operator.clients.connection import USER_AGENT, Connection
from keyward_operator.clients.errors import BY_STATUS, ApiError, ExpiredError, NotFoundError
from keyward_operator.json_types import Json
from keyward_operator.kinds import Kind, Reference, reference_to

REQUEST_TIMEOUT = 30.0
"""Seconds; a list of one page or one write takes far less."""

PAGE = 100
"""Objects asked for at once."""

_METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

CountWrite = Callable[[str, str], None]
"""Told the kind and the verb of each write that the server accepted."""


def _count_nothing(kind: str, verb: str) -> None:
    pass


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
        self._http = ApiClient(connection.configuration)
        self._http.user_agent = USER_AGENT
        self._client = DynamicClient(self._http)
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
        await self._http.close()

    async def get(self, reference: Reference) -> Json | None:
        """The object, or None where there is none."""
        try:
            return await self._call(
                self._client.get,
                _resource(reference.kind),
                name=reference.name,
                namespace=reference.namespace or None,
            )
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
                return await self._list_pages(kind, namespace, label_selector, accept=_METADATA_ONLY)
            except ExpiredError:
                await asyncio.sleep(0)

    async def pages_of_metadata(self, kind: Kind, *, namespace: str | None, label_selector: str) -> AsyncIterator[Json]:
        """The metadata of all objects, of which never more than a page is held. Raises ExpiredError half-way."""
        async for items in self._pages(kind, namespace, label_selector, accept=_METADATA_ONLY):
            for item in items:
                yield item["metadata"]

    async def pages(self, kind: Kind, *, namespace: str, label_selector: str, limit: int) -> AsyncIterator[Json]:
        """All objects, of which never more than `limit` are held. Raises ExpiredError half-way."""
        async for items in self._pages(kind, namespace, label_selector, "application/json", limit):
            for item in items:
                yield item

    async def _list_pages(
        self, kind: Kind, namespace: str | None, label_selector: str | None, accept: str = "application/json"
    ) -> list[Json]:
        return [item async for items in self._pages(kind, namespace, label_selector, accept) for item in items]

    async def _pages(
        self, kind: Kind, namespace: str | None, label_selector: str | None, accept: str, limit: int = PAGE
    ) -> AsyncIterator[list[Json]]:
        token: str | None = None
        while True:
            page = await self._call(
                self._client.get,
                _resource(kind),
                namespace=namespace,
                label_selector=label_selector,
                limit=limit,
                _continue=token,
                header_params={"Accept": accept},
            )
            yield page["items"] or []  # an empty list of metadata comes as null
            token = page["metadata"].get("continue")
            if not token:
                return

    async def get_path(self, path: str) -> Json:
        """A document that is no object: discovery, OpenID configuration."""
        return await self._call(self._client.request, "get", path)

    async def create(self, manifest: Json, *, kind: Kind | None = None) -> Json:
        """Create an object; ConflictError where one of its name exists."""
        kind = kind or reference_to(manifest).kind
        created = await self._call(
            self._client.create,
            _resource(kind),
            body=manifest,
            field_manager=self._field_manager,
        )
        self._on_write(kind.kind, "create")
        return created

    async def apply(self, manifest: Json, *, resource_version: str | None = None) -> Json:
        """Server-side apply, with force: what the manifest says is ours to say.

        With a resource version, only to the object of that version (ConflictError).
        """
        kind = reference_to(manifest).kind
        if resource_version is not None:
            manifest = manifest | {"metadata": manifest["metadata"] | {"resourceVersion": resource_version}}
        applied = await self._call(
            self._client.server_side_apply,
            _resource(kind),
            body=manifest,
            force_conflicts=True,
            field_manager=self._field_manager,
        )
        self._on_write(kind.kind, "apply")
        return applied

    async def apply_status(self, reference: Reference, *, uid: str, status: Json) -> Json:
        """Server-side apply of an object's status; ConflictError where the name is another object's by now."""
        kind = reference.kind
        body = {
            "apiVersion": kind.api_version,
            "kind": kind.kind,
            "metadata": {"name": reference.name, "namespace": reference.namespace, "uid": uid},
            "status": status,
        }
        applied = await self._call(
            self._client.server_side_apply,
            _resource(kind).subresources["status"],
            body=body,
            force_conflicts=True,
            field_manager=self._field_manager,
        )
        self._on_write(kind.kind, "status")
        return applied

    async def merge_patch(self, reference: Reference, patch: Json, *, subresource: str | None = None) -> Json:
        """JSON merge patch. A `metadata.resourceVersion` in it makes it conditional (ConflictError)."""
        resource = _resource(reference.kind)
        patched = await self._call(
            self._client.patch,
            resource.subresources[subresource] if subresource else resource,
            body=patch,
            name=reference.name,
            namespace=reference.namespace,
            content_type="application/merge-patch+json",
            field_manager=self._field_manager,
        )
        self._on_write(reference.kind.kind, "patch")
        return patched

    async def delete(self, reference: Reference, *, uid: str) -> None:
        """Delete this very object; nothing where it is gone, ConflictError where its name is another's by now."""
        try:
            await self._call(
                self._client.delete,
                _resource(reference.kind),
                name=reference.name,
                namespace=reference.namespace,
                body={"propagationPolicy": "Background", "preconditions": {"uid": uid}},
            )
        except NotFoundError:
            return
        self._on_write(reference.kind.kind, "delete")

    async def _call(self, method: Callable[..., Coroutine[Any, Any, Any]], *args: object, **kwargs: object) -> Json:
        begin, outcome = time.monotonic(), "error"
        try:
            document = await self._request(method, *args, **kwargs)
            outcome = "success"
        finally:
            labels = metrics.CALL_SECONDS.labels(service="kubernetes", operation=method.__name__, outcome=outcome)
            labels.observe(time.monotonic() - begin)
        return document

    async def _request(self, method: Callable[..., Coroutine[Any, Any, Any]], *args: object, **kwargs: object) -> Json:
        try:
            response = await method(*args, serialize=False, _request_timeout=self._timeout, **kwargs)
            document: Json = json.loads(await response.read())
        except ApiException as error:
            raise _refusal(error) from None
        except TimeoutError as error:
            raise ApiError(f"the API server did not answer in {self._timeout.total} s", status=0) from error
        except (aiohttp.ClientError, OSError) as error:
            raise ApiError(f"the API server cannot be reached: {error}", status=0) from error
        return document


def _resource(kind: Kind) -> Resource:
    return Resource(
        prefix="apis" if kind.group else "api",
        group=kind.group,
        api_version=kind.version,
        kind=kind.kind,
        name=kind.plural,
        namespaced=kind.namespaced,
        subresources={"status": {"kind": kind.kind, "name": f"{kind.plural}/status", "namespaced": kind.namespaced}},
    )


def _refusal(error: ApiException) -> ApiError:
    status = int(error.status or 0)
    try:
        answer = json.loads(error.body or "")
        message = f"{answer['message']} (HTTP {status})"
    except (ValueError, KeyError, TypeError):
        return ApiError(f"{error.reason} (HTTP {status})", status=status)
    if status == HTTPStatus.NOT_FOUND and not (answer.get("details") or {}).get("name"):
        # Not the object is missing but its kind: that says nothing about objects, least of all that they are gone.
        return ApiError(message, status=status)
    return BY_STATUS.get(status, ApiError)(message, status=status)
