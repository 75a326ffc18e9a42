"""The schema of the chart's values knows every value, and nothing else at any depth."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from local.chart import comments, kubernetes_types, readme, schema
from local.generate import PROJECT

OPEN = {"global"}
"""Helm's own."""


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    return schema.schema()


@pytest.fixture(scope="module")
def documented() -> set[str]:
    text = (PROJECT / readme.CHART / "values.yaml").read_text()
    return {value.path for section in comments.read(text) for value in section.values}


def objects(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema of an object, and where it is."""
    if isinstance(node, dict):
        if node.get("type") == "object":
            yield path, node
        for key, value in node.items():
            yield from objects(value, f"{path}/{key}")
    elif isinstance(node, list):
        for number, item in enumerate(node):
            yield from objects(item, f"{path}/{number}")


def paths(made: dict[str, Any], node: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """The path of every value that is no object of the schema's own."""
    node = referred(made, node)
    if prefix and "properties" not in node and "items" not in node:
        yield prefix
    for key, value in node.get("properties", {}).items():
        yield from paths(made, value, f"{prefix}.{key}" if prefix else key)
    if "items" in node:
        inner = referred(made, node["items"])
        yield from paths(made, inner, f"{prefix}[]") if "properties" in inner else [prefix]


def referred(made: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    name = node.get("$ref", "").removeprefix("#/$defs/")
    return made["$defs"][name] if name and not name.startswith("io.k8s") else node


def test_no_object_takes_a_key_that_it_does_not_name(made: dict[str, Any]) -> None:
    for path, node in objects(made):
        if path.rsplit("/", 1)[-1] in OPEN:
            continue
        if "properties" in node:
            assert node["additionalProperties"] is False, path
        else:
            assert isinstance(node["additionalProperties"], dict), f"{path} takes anything"


def test_every_value_is_documented_and_nothing_else_is(made: dict[str, Any], documented: set[str]) -> None:
    known = {path for path in paths(made, made) if path not in OPEN}
    undocumented = {path for path in known if not any(is_within(path, value) for value in documented)}
    assert undocumented == set()
    assert {value for value in documented if not any(is_within(path, value) for path in known)} == set()


def is_within(path: str, value: str) -> bool:
    return path == value or path.startswith((f"{value}.", f"{value}["))


def test_references_lead_somewhere_and_no_definition_is_unused(made: dict[str, Any]) -> None:
    targets = re.findall(r"'\$ref': '([^']+)'", str(made))
    assert set(targets) == {f"#/$defs/{name}" for name in made["$defs"]}


def test_kubernetes_types_are_those_of_the_oldest_release_that_the_chart_takes() -> None:
    chart = yaml.safe_load((PROJECT / readme.CHART / "Chart.yaml").read_text())
    assert chart["kubeVersion"] == f">={kubernetes_types.VERSION}.0-0"
