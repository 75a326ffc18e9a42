"""The one connection to the API server: JSON in, JSON out, nothing discovered and no model classes.

Of the official client only its configuration and its dynamic client's `request` are used: an agent touches three
paths, and the generated classes would cost 100 MiB. VERIFY_X509_STRICT, which Python 3.13 sets, is cleared: CAs of
older clusters lack key identifiers.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import aiohttp
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import load_incluster_config
from kubernetes.aio.config.config_exception import ConfigException
from kubernetes.aio.dynamic import DynamicClient
from kubernetes.aio.dynamic.exceptions import DynamicApiError

JSON = "application/json"
METADATA_ALONE = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
"""An `Accept` for an object without its spec and status: Kubernetes API concepts, "Metadata-only fetches"."""

REQUEST_SECONDS = 5.0
SILENCE_SECONDS = 90.0
"""The API server sends a bookmark about every minute: a watch that is silent for longer is dead."""


class KubernetesUnavailable(Exception):
    """The API server did not answer, or not as asked."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status
        """HTTP status; 0 where there was no answer."""


class KubernetesAPI:
    """A client of the API server."""

    def __init__(self, configuration: Configuration) -> None:
        configuration.disable_strict_ssl_verification = True
        # Retries are each caller's own, with its own patience.
        configuration.retries = None
        self._client = ApiClient(configuration)
        self._dynamic = DynamicClient(self._client)

    @classmethod
    def in_cluster(cls) -> KubernetesAPI:
        """With the pod's ServiceAccount; raises KubernetesUnavailable outside a pod."""
        configuration = Configuration()
        try:
            load_incluster_config(client_configuration=configuration)
        except ConfigException as error:
            raise KubernetesUnavailable(
                f"not in a Kubernetes pod: {error} Set automountServiceAccountToken of the pod to true"
            ) from error
        return cls(configuration)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        parameters: Mapping[str, str] | None = None,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> dict[str, Any]:
        """One request and its answer; raises KubernetesUnavailable."""
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
        response = await self._send(method, path, body, parameters, content_type, timeout, accept)
        try:
            answer: dict[str, Any] = await response.json()
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise KubernetesUnavailable(f"{method} {path}: {error or type(error).__name__}") from error
        return answer

    async def watch(self, path: str, *, parameters: Mapping[str, str]) -> AsyncGenerator[dict[str, Any], None]:
        """Events of a watch until the server ends it; raises KubernetesUnavailable, also after too long a silence."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=REQUEST_SECONDS, sock_read=SILENCE_SECONDS)
        query = {**parameters, "watch": "true", "allowWatchBookmarks": "true"}
        response = await self._send("GET", path, None, query, JSON, timeout)
        try:
            async for line in response.content:
                yield json.loads(line)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise KubernetesUnavailable(f"watch of {path}: {error or type(error).__name__}") from error
        finally:
            response.close()

    async def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        parameters: Mapping[str, str] | None,
        content_type: str,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  (aiohttp's own kind, passed through)
        accept: str = JSON,
    ) -> aiohttp.ClientResponse:
        try:
            response: aiohttp.ClientResponse = await self._dynamic.request(
                method,
                path,
                body=body,
                query_params=list((parameters or {}).items()),
                content_type=content_type,
                header_params={"Accept": accept},
                serialize=False,
                _request_timeout=timeout,
            )
        except DynamicApiError as error:
            raise KubernetesUnavailable(
                f"{method} {path}: {error.status} {error.reason}", status=error.status or 0
            ) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise KubernetesUnavailable(f"{method} {path}: {error or type(error).__name__}") from error
        return response
