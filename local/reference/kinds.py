"""The page of a kind."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keyward_api import names
from keyward_api.crds import Kind, definition
from keyward_api.resources.policy import KeyspacesPolicy
from local.reference import conditions, words
from local.reference.examples import example_of
from local.reference.fields import field_table, prose, rules
from local.tables import cell, table

_RULES = """
## Rules
An object that breaks one of these is refused by the API server (CEL).
"""
_CONDITIONS = """
## Conditions
`Unknown` is what nobody can tell yet. [conditions.md](conditions.md) has the meaning of each, and what to do.
"""


def page(kind: Kind, project: Path) -> str:
    """The whole page. Raises IncompleteError."""
    return "".join(_parts(kind, project))


def _parts(kind: Kind, project: Path) -> Iterator[str]:
    crd = definition(kind)["spec"]
    (version,) = crd["versions"]
    schema = version["schema"]["openAPIV3Schema"]
    yield f"# {kind.name}\n{schema['description']}\n{_names(crd, version)}"
    yield _example(kind, project)
    for part in ("spec", "status"):
        if part in schema["properties"]:
            fields = schema["properties"][part]
            yield f"\n## `{part}`\n{fields.get('description', '')}\n{field_table(fields, part)}"
    found = [(f"`{path or kind.name}`", prose(message), f"`{cell(rule)}`") for path, message, rule in rules(schema, "")]
    if found:
        yield _RULES + table(("of", "message", "rule"), found)
    yield "\n## Columns of `kubectl get`\n" + _columns(version["additionalPrinterColumns"])
    if conditions.of_kind(kind.name):
        yield _CONDITIONS + _conditions(kind)


def _names(crd: dict[str, Any], version: dict[str, Any]) -> str:
    called = crd["names"]
    row = (
        f"`{names.API_VERSION}`",
        f"`{called['plural']}`",
        f"`{called['shortNames'][0]}`",
        ", ".join(f"`{category}`" for category in called.get("categories", ())) or "none",
        crd["scope"].lower(),
        ", ".join(f"`{name}`" for name in version.get("subresources", ())) or "none",
    )
    return table(("API version", "plural", "short", "category", "scope", "subresources"), [row])


def _example(kind: Kind, project: Path) -> str:
    example = example_of(kind.name, project)
    if kind.name == KeyspacesPolicy.__name__:
        source = f"Compiled from [{example.source}](../../{example.source}); with the chart's `agents.namespace`"
    else:
        source = f"From [{example.source}](../../{example.source})"
    return f"\n## Example\n{source}:\n```yaml\n{example.text}```\n"


def _columns(columns: list[dict[str, Any]]) -> str:
    rows = [
        (each["name"], f"`{cell(each['jsonPath'])}`", "`-o wide`" if each.get("priority") else "always")
        for each in columns
    ]
    return table(("column", "shows", "when"), rows)


def _conditions(kind: Kind) -> str:
    rows = [
        (f"`{condition.type}`", status, words.links(reasons))
        for condition in conditions.of_kind(kind.name)
        for status, reasons in condition.by_status()
    ]
    return table(("condition", "status", "reasons"), rows)
