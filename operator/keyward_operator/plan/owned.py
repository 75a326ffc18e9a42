"""What of an object is ours, and whether it still is what we want.

Server-side apply records in `metadata.managedFields` which fields each manager owns. What we own, taken out of the live
object, equals what we would apply exactly if an apply would change nothing: a value that someone changed is no longer
ours or has another value, and a field that we no longer want is still among ours.
Format of the field sets: structured-merge-diff, fieldpath (`f:` field, `k:` list item by keys, `v:` set value).
"""

import json
from collections.abc import Iterator
from typing import Any

from keyward_api.names import FieldManager
from keyward_operator.json_types import Json

_IDENTITY = ("name", "namespace", "uid")
"""Of the metadata, what names the object and is never owned."""


def differs(live: Json | None, manifest: Json) -> bool:
    """Whether to apply `manifest` would change `live` (None: it does not exist)."""
    return live is None or owned(live, FieldManager.DATABASE) != _wanted(manifest)


def changed_fields(live: Json, manifest: Json) -> list[str]:
    """The fields of `live` that to apply `manifest` would change, for people: `spec.replicas`."""
    return sorted(_differences(owned(live, FieldManager.DATABASE), _wanted(manifest), ""))


def _wanted(manifest: Json) -> Json:
    metadata = {key: value for key, value in manifest["metadata"].items() if key not in _IDENTITY}
    wanted = {key: value for key, value in manifest.items() if key not in ("apiVersion", "kind", "metadata")}
    return {"metadata": metadata} | wanted if metadata else wanted


def _differences(have: Any, want: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    if isinstance(have, dict) and isinstance(want, dict):
        for key in have.keys() | want.keys():
            yield from _differences(have.get(key), want.get(key), f"{path}.{key}" if path else key)
    elif isinstance(have, list) and isinstance(want, list) and len(have) == len(want):
        for index, (old, new) in enumerate(zip(have, want, strict=True)):
            yield from _differences(old, new, f"{path}[{index}]")
    elif have != want:
        yield path


def status_differs(live: Json, status: Json, manager: str) -> bool:
    """Whether to apply `status` as `manager` would change `live`."""
    return bool(owned(live, manager, subresource="status").get("status", {}) != status)


def owned(live: Json, manager: str, *, subresource: str = "") -> Json:
    """The part of `live` that `manager` applied, to the object or to one of its subresources."""
    for entry in live["metadata"].get("managedFields", ()):
        if (entry.get("manager"), entry.get("operation"), entry.get("subresource", "")) == (
            manager,
            "Apply",
            subresource,
        ):
            found: Json = _extract(live, entry["fieldsV1"])
            return found
    return {}


def _extract(value: Any, fields: Json) -> Any:  # noqa: ANN401 - any JSON value
    members = {name: nested for name, nested in fields.items() if name != "."}
    if not members:
        return value
    if isinstance(value, dict):
        return {name[2:]: _extract(value[name[2:]], nested) for name, nested in members.items() if name[2:] in value}
    if isinstance(value, list):
        return [_extract(item, nested) for item in value for name, nested in members.items() if _is_item(item, name)]
    return value


def _is_item(item: Any, name: str) -> bool:  # noqa: ANN401 - any JSON value
    kind, _, text = name.partition(":")
    selector = json.loads(text)
    if kind == "v":
        return bool(item == selector)
    return isinstance(item, dict) and all(item.get(key) == value for key, value in selector.items())
