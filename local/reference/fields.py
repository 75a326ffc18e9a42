"""The fields of a structural schema as rows of a table, and the rules that stand beside them."""

import json
from collections.abc import Iterator
from typing import Any

from local.tables import cell, table

Schema = dict[str, Any]
_IMMUTABLE = "self == oldSelf"
_RULES = "x-kubernetes-validations"


def field_table(schema: Schema, path: str) -> str:
    """All fields of an object below `path`, which may be empty."""
    return table(("field", "type", "default", "admitted", "meaning"), list(_rows(schema, path)))


def rules(schema: Schema, path: str) -> Iterator[tuple[str, str, str]]:
    """Where a rule holds, its message and the rule itself, for the object at `path` and all below it."""
    for rule in schema.get(_RULES, ()):
        yield path, rule["message"], rule["rule"]
    for place, child in _children(schema, path):
        yield from rules(child, place)


def prose(text: str) -> str:
    """A sentence as a cell; outside of code, `<` would begin a tag."""
    parts = cell(text).split("`")
    return "`".join(part if index % 2 else part.replace("<", "&lt;") for index, part in enumerate(parts))


def _rows(schema: Schema, path: str) -> Iterator[tuple[str, ...]]:
    for name, child in schema.get("properties", {}).items():
        place = f"{path}.{name}" if path else name
        default = "required" if name in schema.get("required", ()) else _default(child)
        yield f"`{place}`", _type(child), default, _admitted(child), prose(child.get("description", ""))
        for below, nested in ((place, child), *_items(child, place)):
            yield from _rows(nested, below)


def _children(schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    for name, child in schema.get("properties", {}).items():
        yield f"{path}.{name}" if path else name, child
    yield from _items(schema, path)


def _items(schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    if "items" in schema:
        yield f"{path}[]", schema["items"]
    if isinstance(schema.get("additionalProperties"), dict):
        yield f"{path}.*", schema["additionalProperties"]


def _type(schema: Schema) -> str:
    if "items" in schema:
        keys = schema.get("x-kubernetes-list-map-keys", ())
        by = f" by {', '.join(f'`{key}`' for key in keys)}" if keys else ""
        once = ", each once" if schema.get("x-kubernetes-list-type") == "set" else ""
        return f"list of {_type(schema['items'])}{by}{once}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"map of {_type(schema['additionalProperties'])}"
    return f"{schema['type']}, {schema['format']}" if "format" in schema else str(schema["type"])


def _default(schema: Schema) -> str:
    return f"`{cell(json.dumps(schema['default'], ensure_ascii=False))}`" if "default" in schema else ""


def _admitted(schema: Schema) -> str:
    parts = list(_bounds(schema))
    for _, nested in _items(schema, ""):
        if "properties" not in nested and (each := _admitted(nested)):
            parts.append(f"each: {each}")
    if any(rule["rule"] == _IMMUTABLE for rule in schema.get(_RULES, ())):
        parts.append("immutable")
    return "; ".join(parts)


def _bounds(schema: Schema) -> Iterator[str]:
    if "enum" in schema:
        yield ", ".join(f"`{value}`" for value in schema["enum"])
    for low, high, unit in (
        ("minimum", "maximum", ""),
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " entries"),
        ("minProperties", "maxProperties", " entries"),
    ):
        if low in schema or high in schema:
            yield _range(schema.get(low), schema.get(high)) + unit
    if "pattern" in schema:
        yield f"`{cell(schema['pattern'])}`"


def _range(low: int | None, high: int | None) -> str:
    if low == high or high is None:
        return str(low) if low == high else f"at least {low}"
    return f"at most {high}" if low is None else f"{low} to {high}"
