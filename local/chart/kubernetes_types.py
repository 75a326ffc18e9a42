"""Kubernetes' own types in the schema of the chart's values, with no key that Kubernetes does not know.

Source: the JSON schemas of Kubernetes' API that the package kubernetes-validate carries.
"""

import json
from collections.abc import Iterator
from importlib import resources
from typing import Any

VERSION = "1.30"
"""The oldest Kubernetes that the chart takes: a key that it lacks is refused."""

_MARK = "x-keyward-kubernetes-type"
_CORE = "io.k8s.api.core.v1."
_LEFT_OUT = ("description", "x-kubernetes-group-version-kind")


def marker(kind: str) -> dict[str, Any]:
    """What stands for a type of core/v1, such as `Affinity`, until `resolve` replaces it."""
    return {_MARK: f"{_CORE}{kind}"}


def resolve(schema: Any) -> Any:  # noqa: ANN401 - JSON
    """The same schema with references in the markers' places, and what they refer to among its `$defs`."""
    known: dict[str, Any] = json.loads(_definitions())["$defs"]
    resolved, needed = _with_references(schema), {}
    waiting = set(_markers(schema))
    while waiting:
        name = waiting.pop()
        needed[name] = _plain(known[name])
        waiting |= set(_references(needed[name])) - needed.keys()
    return {**resolved, "$defs": {**resolved.get("$defs", {}), **dict(sorted(needed.items()))}}


def _definitions() -> str:
    folder = resources.files("kubernetes_validate") / "kubernetes-json-schema" / f"v{VERSION}.0-local-strict"
    return (folder / "_definitions.json").read_text()


def _markers(node: Any) -> Iterator[str]:  # noqa: ANN401
    if isinstance(node, dict):
        if _MARK in node:
            yield node[_MARK]
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from _markers(item)


def _references(node: Any) -> Iterator[str]:  # noqa: ANN401
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].rsplit("/", 1)[1]
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from _references(item)


def _with_references(node: Any) -> Any:  # noqa: ANN401
    if isinstance(node, dict):
        if _MARK in node:
            return {"$ref": f"#/$defs/{node[_MARK]}"}
        return {key: _with_references(value) for key, value in node.items()}
    return [_with_references(item) for item in node] if isinstance(node, list) else node


def _plain(node: Any) -> Any:  # noqa: ANN401
    """Without prose and nulls, and with references to the schema that it becomes a part of."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _plain(value) for key, value in node.items() if key not in _LEFT_OUT or isinstance(value, dict)}
    if isinstance(kept.get("$ref"), str):
        kept["$ref"] = f"#/$defs/{kept['$ref'].rsplit('/', 1)[1]}"
    if isinstance(kept.get("type"), list):
        (kept["type"],) = (kind for kind in kept["type"] if kind != "null")
    return kept
