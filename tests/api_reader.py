"""Reads objects from an API server by HTTP over connections that are kept.

Tests look several times a second. As many processes of kubectl would take from the processors what is being tested.
"""

import base64
import functools
import json
import ssl
import tempfile
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3
import yaml

Json = dict[str, Any]

EVERY_NAMESPACE = "--all-namespaces"
"""In the place of a namespace, as kubectl has it."""

_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_SECONDS = 30.0


class ReadError(AssertionError):
    """The API server refused, or was not reached; the text is as kubectl would print it."""


class ApiReader:
    """An API server as a kubeconfig names it."""

    def __init__(self, kubeconfig: Path) -> None:
        """Reads the kubeconfig's only cluster and user when first asked for something."""
        self._kubeconfig = kubeconfig
        self._resources: dict[str, tuple[str, str, bool]] = {}

    def find(self, kind: str, name: str, namespace: str | None = None, *, username: str = "") -> Json | None:
        """An object, or None where there is none; `username`: whom to impersonate. Raises ReadError."""
        path = f"{self._path(kind, namespace)}/{name}"
        status, answer = self._get(path, username=username)
        if status == 404 and answer.get("details", {}).get("name") == name:
            return None
        return _checked(status, answer)

    def items(self, kind: str, namespace: str | None = None, *, labels: str = "", username: str = "") -> list[Json]:
        """The objects of a kind in a namespace, in EVERY_NAMESPACE, or of one without namespaces. Raises ReadError."""
        query = f"?{urlencode({'labelSelector': labels})}" if labels else ""
        answer = _checked(*self._get(self._path(kind, namespace) + query, username=username))
        named = {"apiVersion": answer["apiVersion"], "kind": answer["kind"].removesuffix("List")}
        return [named | item for item in answer["items"]]

    def _path(self, kind: str, namespace: str | None) -> str:
        if kind.lower() not in self._resources:
            self._resources = dict(self._discovered())
        if kind.lower() not in self._resources:
            raise ReadError(f'the server doesn\'t have a resource type "{kind}"')
        prefix, plural, namespaced = self._resources[kind.lower()]
        if not namespaced or namespace == EVERY_NAMESPACE:
            return f"{prefix}/{plural}"
        return f"{prefix}/namespaces/{namespace or 'default'}/{plural}"

    def _discovered(self) -> Iterator[tuple[str, tuple[str, str, bool]]]:
        """Resources by each name that kubectl takes; of a name in several groups, that of the first group."""
        for root in ("/apis", "/api"):
            groups = _checked(*self._get(root, accept=_DISCOVERY))["items"]
            for group in reversed(groups):
                name = group["metadata"].get("name", "")
                version = group["versions"][0]
                prefix = "/".join(filter(None, (root, name, version["version"])))
                for resource in version.get("resources", ()):
                    found = (prefix, resource["resource"], resource["scope"] == "Namespaced")
                    plural, singular = resource["resource"], resource.get("singularResource", "")
                    called = {plural, singular, resource["responseKind"]["kind"].lower(), f"{plural}.{name}"}
                    yield from ((one, found) for one in {*called, *resource.get("shortNames", ())} if one)

    def _get(self, path: str, *, accept: str = "application/json", username: str = "") -> tuple[int, Json]:
        server, token, pool = self._connection
        headers = {"Accept": accept} | ({"Authorization": f"Bearer {token}"} if token else {})
        headers |= {"Impersonate-User": username} if username else {}
        try:
            response = pool.request("GET", server + path, headers=headers, timeout=_SECONDS, retries=False)
        except urllib3.exceptions.HTTPError as error:
            raise ReadError(f"{path}: {error}") from error
        return response.status, json.loads(response.data)

    @cached_property
    def _connection(self) -> tuple[str, str, urllib3.PoolManager]:
        document = yaml.safe_load(self._kubeconfig.read_text())
        cluster, user = document["clusters"][0]["cluster"], document["users"][0]["user"]
        with tempfile.TemporaryDirectory() as held:
            context = ssl.create_default_context(cafile=_file(cluster, "certificate-authority", Path(held)))
            certificate = _file(user, "client-certificate", Path(held))
            if certificate:
                context.load_cert_chain(certificate, _file(user, "client-key", Path(held)))
        return cluster["server"], user.get("token", ""), urllib3.PoolManager(ssl_context=context)


@functools.cache
def reader_of(kubeconfig: Path) -> ApiReader:
    """The reader with that kubeconfig: all who ask share its connections."""
    return ApiReader(kubeconfig)


def _file(section: Json, key: str, held: Path) -> str | None:
    """The file that a kubeconfig names or holds."""
    if f"{key}-data" not in section:
        named: str | None = section.get(key)
        return named
    path = held / key
    path.write_bytes(base64.b64decode(section[f"{key}-data"]))
    return str(path)


def _checked(status: int, answer: Json) -> Json:
    if status != 200:
        raise ReadError(f"Error from server ({answer.get('reason')}): {answer.get('message')}")
    return answer
