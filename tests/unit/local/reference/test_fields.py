"""Fields of a schema as rows."""

import pytest

from local.reference.fields import Schema, field_table, prose, rules

NAMES = {
    "type": "array",
    "maxItems": 3,
    "x-kubernetes-list-type": "set",
    "items": {"type": "string", "minLength": 1, "maxLength": 9, "pattern": "^(a|b)$"},
}
FIXED = {
    "type": "string",
    "enum": ["A", "B"],
    "x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "it stays"}],
}


def row(child: Schema, *, required: bool = False) -> list[str]:
    schema = {"type": "object", "properties": {"x": child}, "required": ["x"] if required else []}
    return rows(schema)[0]


def rows(schema: Schema) -> list[list[str]]:
    lines = field_table(schema, "spec").strip().splitlines()[2:]
    return [[cell.strip() for cell in line.replace("\\|", "¦").strip("|").split("|")] for line in lines]


@pytest.mark.parametrize(
    ("schema", "type_", "admitted"),
    [
        ({"type": "integer", "minimum": 0, "maximum": 9}, "integer", "0 to 9"),
        ({"type": "string", "minLength": 12, "maxLength": 12}, "string", "12 characters"),
        ({"type": "string", "maxLength": 40, "format": "date-time"}, "string, date-time", "at most 40 characters"),
        ({"type": "boolean"}, "boolean", ""),
        (NAMES, "list of string, each once", "at most 3 entries; each: 1 to 9 characters; `^(a¦b)$`"),
        (FIXED, "string", "`A`, `B`; immutable"),
        (
            {"type": "object", "maxProperties": 2, "additionalProperties": {"type": "string", "maxLength": 5}},
            "map of string",
            "at most 2 entries; each: at most 5 characters",
        ),
        (
            {
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
                "items": {"type": "object", "properties": {}},
            },
            "list of object by `name`",
            "",
        ),
    ],
)
def test_type_and_bounds_are_told(schema: Schema, type_: str, admitted: str) -> None:
    found = row(schema)
    assert (found[0], found[1], found[3]) == ("`spec.x`", type_, admitted)


def test_a_field_is_required_or_has_its_default() -> None:
    assert row({"type": "integer", "default": 0})[2] == "`0`"
    assert row({"type": "integer"}, required=True)[2] == "required"
    assert row({"type": "integer"})[2] == ""


def test_fields_of_fields_follow() -> None:
    leaf = {"type": "object", "properties": {"c": {"type": "boolean", "description": "Deep."}}}
    schema = {
        "properties": {
            "a": {"type": "object", "properties": {"b": leaf}},
            "list": {"type": "array", "items": leaf},
            "map": {"type": "object", "additionalProperties": leaf},
        }
    }
    paths = [found[0].strip("`") for found in rows(schema)]
    assert paths == [
        *("spec.a", "spec.a.b", "spec.a.b.c"),
        *("spec.list", "spec.list[].c"),
        *("spec.map", "spec.map.*.c"),
    ]


def test_rules_are_found_wherever_they_are() -> None:
    schema = {"properties": {"items": {"type": "array", "items": FIXED}}} | {
        "x-kubernetes-validations": [{"rule": "true", "message": "always"}]
    }
    assert list(rules(schema, "")) == [("", "always", "true"), ("items[]", "it stays", "self == oldSelf")]


def test_prose_is_neither_a_tag_nor_the_end_of_a_cell() -> None:
    assert prose("a|b <name> `<code>`") == "a\\|b &lt;name> `<code>`"
