import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from keyward_api.crds import KINDS, Kind, UnstructuralSchemaError, chart_yaml, definition, plain_yaml, structural
from local.generate import stale

FORBIDDEN = {"$ref", "$defs", "anyOf", "allOf", "oneOf", "const", "title", "prefixItems", "uniqueItems"}


def schema_of(kind: Kind) -> dict[str, Any]:
    return definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]  # type: ignore[no-any-return]


def nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from nodes(schema[key], f"{path}[]")


ALL = [pytest.param(kind, id=kind.name) for kind in KINDS]


def test_the_committed_files_are_current() -> None:
    assert stale() == [], "run `make generate`"


@pytest.mark.parametrize("kind", ALL)
def test_schemas_are_structural(kind: Kind) -> None:
    for path, node in nodes(schema_of(kind)):
        assert not FORBIDDEN & node.keys(), path
        assert "type" in node, path


@pytest.mark.parametrize("kind", ALL)
def test_every_value_is_bounded(kind: Kind) -> None:
    for path, node in nodes(schema_of(kind)):
        if path in (".metadata", ".apiVersion", ".kind"):
            continue
        match node["type"]:
            case "string":
                assert "maxLength" in node or "enum" in node, path
            case "array":
                assert "maxItems" in node, path
                assert "x-kubernetes-list-type" in node, path
            case "integer":
                assert {"minimum", "maximum"} <= node.keys(), path
                # The API server reads bounds as doubles: 2**63-1 becomes 2**63, which wraps.
                assert node["maximum"] <= 2**53, path
            case "object" if "additionalProperties" in node:
                assert "maxProperties" in node, path
            case kind_of_value:
                assert kind_of_value == "boolean" or "properties" in node, f"{path}: a {kind_of_value} has no bounds"


@pytest.mark.parametrize("kind", ALL)
def test_every_list_that_is_merged_by_keys_has_them_in_each_item(kind: Kind) -> None:
    for path, node in nodes(schema_of(kind)):
        for key in node.get("x-kubernetes-list-map-keys", ()):
            items = node["items"]
            assert key in items.get("required", ()) or "default" in items["properties"][key], f"{path}: {key}"


@pytest.mark.parametrize("kind", ALL)
def test_every_field_says_what_it_means(kind: Kind) -> None:
    for path, node in nodes(schema_of(kind)):
        # Of metadata the API server takes no description: `kubectl explain` shows its own there. Of a list or map of
        # plain values the list or map is described.
        if path != ".metadata" and ("properties" in node or not path.endswith("[]")):
            assert node.get("description"), path


@pytest.mark.parametrize("kind", ALL)
def test_the_chart_keeps_the_definition_word_for_word(kind: Kind) -> None:
    plain = yaml.safe_load(plain_yaml(kind))
    lines = [line for line in chart_yaml(kind).splitlines() if "{{" not in line and "resource-policy" not in line]
    templated = yaml.safe_load("\n".join(lines))
    del templated["metadata"]["annotations"]
    assert templated == plain


def test_every_dimension_of_a_rule_is_required() -> None:
    role = next(kind for kind in KINDS if kind.name == "KeyspacesRole")
    rule = schema_of(role)["properties"]["spec"]["properties"]["allow"]["items"]
    assert set(rule["required"]) == {"databases", "dbUsers", "keyspaces", "tables", "permissions"}


def test_a_database_without_an_endpoint_has_one_that_rules_can_read() -> None:
    database = next(kind for kind in KINDS if kind.name == "KeyspacesDatabase")
    endpoint = schema_of(database)["properties"]["spec"]["properties"]["endpoint"]
    assert endpoint["default"] == {"type": "Public"}
    assert endpoint["properties"]["type"]["default"] == "Public"


@pytest.mark.parametrize(
    ("name", "admitted"), [("orders", True), ("o", True), ("o" * 40, True), ("o" * 41, False), ("a.b", False)]
)
def test_a_database_has_a_name_that_services_can_have(name: str, admitted: bool) -> None:
    database = next(kind for kind in KINDS if kind.name == "KeyspacesDatabase")
    (rule,) = schema_of(database)["x-kubernetes-validations"]
    pattern = rule["rule"].removeprefix("self.metadata.name.matches('").removesuffix("')")
    assert bool(re.search(pattern, name)) is admitted


def test_the_compiled_lists_are_not_followed_item_by_item_in_managed_fields() -> None:
    policy = next(kind for kind in KINDS if kind.name == "KeyspacesPolicy")
    for path, node in nodes(schema_of(policy)["properties"]["spec"]):
        assert node.get("x-kubernetes-list-type", "atomic") == "atomic", path


def test_a_union_has_no_structural_form() -> None:
    with pytest.raises(UnstructuralSchemaError):
        structural({"anyOf": [{"type": "string"}, {"type": "integer"}]}, {})


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_no_list_of_a_status_is_a_set(kind: Kind) -> None:
    """Of an empty set managedFields say nothing, so that the operator would apply it again and again."""
    status = schema_of(kind)["properties"].get("status", {})
    assert [path for path, node in nodes(status) if node.get("x-kubernetes-list-type") == "set"] == []
