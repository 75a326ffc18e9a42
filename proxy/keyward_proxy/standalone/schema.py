"""What the API server checks of a resource, from the same schemas that the CRDs are generated from.

Unknown fields, names, defaults, lists that are sets, and the rules in CEL; types and bounds are pydantic's. Where the
API server prunes an unknown field and warns, a file with one is refused: nobody would see the warning.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import ValidationError

from keyward_api.crds import KINDS, Kind, definition
from keyward_api.resources.models import Model
from keyward_proxy.standalone.cel import CELError, compile_rule

Schema = Mapping[str, Any]
Found = Iterator[tuple[str, str]]
"""Fields and what is wrong with each."""

USER_KINDS = {kind.name: kind for kind in KINDS if kind.name != "KeyspacesPolicy"}
"""Without KeyspacesPolicy, which is compiled here and never read."""

_METADATA = frozenset(
    {
        *("name", "namespace", "labels", "annotations"),
        # What an object of a cluster has besides, so that it may be copied here as it is.
        *("uid", "generation", "resourceVersion", "creationTimestamp", "managedFields", "finalizers"),
        *("ownerReferences", "selfLink"),
    }
)

_LABEL = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_NAMES = {"namespace": _LABEL, "name": rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*"}
"""RFC 1123, as Kubernetes has it."""


def check(kind: Kind, document: dict[str, Any], old: Mapping[str, Any] | None = None) -> Found:
    """Everything that is wrong with a document of this kind. `old` is what it replaces, for what may not change."""
    metadata = document["metadata"]
    for name in sorted(metadata.keys() - _METADATA):
        yield f"metadata.{name}", "there is no such field"
    for name, form in _NAMES.items():
        if isinstance(metadata[name], str) and not re.fullmatch(form, metadata[name]):
            yield f"metadata.{name}", f"'{metadata[name]}' is no name: use a-z, 0-9 and '-' in the middle"
    wrong = list(_types(kind.model, document))
    yield from wrong
    # Rules may rely on types, and say nothing of use where these are wrong.
    yield from _walk(document, _schema(kind.name), "", old, rules=not wrong)


@cache
def _schema(kind: str) -> Schema:
    schema = definition(USER_KINDS[kind])["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    # In a CRD any metadata is allowed, since the API server knows it.
    return {**schema, "properties": {**schema["properties"], "metadata": {}}}


def _types(model: type[Model], document: dict[str, Any]) -> Found:
    """Strictly, as JSON: a number is no string, and a string no number."""
    try:
        text = json.dumps(document, allow_nan=False)
    except (TypeError, ValueError) as error:
        yield "", f"this has no form in JSON: {error}"
        return
    try:
        model.model_validate_json(text, strict=True)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        places = [found["loc"] for found in errors]
        for found in errors:
            if found["type"] == "too_short" and any(_is_inside(place, found["loc"]) for place in places):
                continue  # Items that are wrong were not counted.
            yield _path(found["loc"]), found["msg"][:1].lower() + found["msg"][1:] + _hint(found["type"])


def _is_inside(place: tuple[int | str, ...], outer: tuple[int | str, ...]) -> bool:
    return len(place) > len(outer) and place[: len(outer)] == outer


def _hint(kind: str) -> str:
    return ": put it in quotes" if kind == "string_type" else ""


def _path(location: tuple[int | str, ...]) -> str:
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def _walk(value: Any, schema: Schema, path: str, old: Any, *, rules: bool) -> Found:  # noqa: ANN401  (any JSON)
    if isinstance(value, dict):
        yield from _walk_object(value, schema, path, old, rules=rules)
    elif isinstance(value, list):
        yield from _walk_list(value, schema, path, rules=rules)
    if rules:
        yield from _evaluate(value, schema, path, old)


def _walk_object(value: dict[str, Any], schema: Schema, path: str, old: Any, *, rules: bool) -> Found:  # noqa: ANN401
    properties = schema.get("properties")
    if properties is None:
        return  # A map with keys of its own, such as labels; or metadata.
    for name, nested in properties.items():
        if name not in value and "default" in nested:
            value[name] = copy.deepcopy(nested["default"])
    for name, item in value.items():
        place = f"{path}.{name}" if path else name
        if name not in properties:
            yield place, "there is no such field"
            continue
        before = old.get(name) if isinstance(old, Mapping) else None
        yield from _walk(item, properties[name], place, before, rules=rules)


def _walk_list(value: list[Any], schema: Schema, path: str, *, rules: bool) -> Found:
    if schema.get("x-kubernetes-list-type") == "set":
        for index, item in enumerate(value):
            if item in value[:index]:
                yield f"{path}[{index}]", f"{json.dumps(item)} is there twice"
    for index, item in enumerate(value):
        # Items of a list that is replaced as a whole have no predecessors.
        yield from _walk(item, schema.get("items", {}), f"{path}[{index}]", None, rules=rules)


def _evaluate(value: Any, schema: Schema, path: str, old: Any) -> Found:  # noqa: ANN401
    for rule in schema.get("x-kubernetes-validations", ()):
        if "oldSelf" in rule["rule"] and old is None:
            continue
        try:
            holds = _compiled(rule["rule"])({"self": value, "oldSelf": old})
        except CELError as error:
            holds = False
            yield path, f"a rule cannot be evaluated: {error}"
        if holds is not True:
            yield path, rule["message"]


_compiled = cache(compile_rule)
