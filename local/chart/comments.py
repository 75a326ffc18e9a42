"""Reads `values.yaml` with its comments: what each value means stands right above it.

A line `# -- Title` with the lines below it opens a section. The comment directly above a key is its meaning. A mapping
(or a list's first item) with a comment inside is read key by key, any other value as a whole.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml
from yaml.nodes import MappingNode, Node, SequenceNode

_SECTION = "# -- "


class UndocumentedError(ValueError):
    """A value that no comment describes; the message names it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Value:
    """One value."""

    path: str
    """Such as `agents.image.tag`, or `tenants[].accounts` inside a list."""

    default: str
    """As JSON; empty for a value that is read key by key."""

    meaning: str
    line: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """Values that belong together."""

    title: str
    text: str
    line: int
    values: list[Value] = field(default_factory=list)


def read(text: str) -> list[Section]:
    """The sections of a values file. Raises UndocumentedError."""
    lines = text.splitlines()
    sections = [_section(lines, number) for number, line in enumerate(lines) if line.startswith(_SECTION)]
    for value in _values(yaml.compose(text, Loader=yaml.SafeLoader), lines, ""):
        opened = [section for section in sections if section.line < value.line]
        if not opened:
            raise UndocumentedError(f"`{value.path}` stands above the first section (`{_SECTION}Title`)")
        opened[-1].values.append(value)
    return sections


def _section(lines: list[str], number: int) -> Section:
    below = []
    for line in lines[number + 1 :]:
        if not line.startswith("#"):
            break
        below.append(line)
    return Section(title=lines[number].removeprefix(_SECTION), text=_prose(below), line=number)


def _values(node: Node | None, lines: list[str], prefix: str) -> Iterator[Value]:
    assert isinstance(node, MappingNode), prefix  # noqa: S101 - only mappings come here
    for key, content in node.value:
        path, line = f"{prefix}{key.value}", key.start_mark.line
        meaning, inner = _comment(lines, line), _inner(content, lines)
        if inner is None and not meaning:
            raise UndocumentedError(f"`{path}` has no comment in line {line} of the values")
        if meaning:
            yield Value(path=path, default="" if inner else _json(content), meaning=meaning, line=line)
        if inner is not None:
            yield from _values(inner, lines, f"{path}{'[]' if inner is not content else ''}.")


def _inner(content: Node, lines: list[str]) -> MappingNode | None:
    """The mapping that is read key by key, if this is one or a list of them."""
    if isinstance(content, SequenceNode) and content.value:
        content = content.value[0]
    if not isinstance(content, MappingNode):
        return None
    described = (_comment(lines, key.start_mark.line) or _inner(value, lines) for key, value in content.value)
    return content if any(described) else None


def _comment(lines: list[str], line: int) -> str:
    """The comment lines directly above a line; a section's title and text are none."""
    above: list[str] = []
    while line > 0 and lines[line - 1].lstrip().startswith("#"):
        line -= 1
        above.insert(0, lines[line].lstrip())
    return "" if above and above[0].startswith(_SECTION) else _prose(above)


def _prose(comment: list[str]) -> str:
    return " ".join(line.removeprefix("#").strip() for line in comment)


def _json(node: Node) -> str:
    return json.dumps(yaml.safe_load(yaml.serialize(node)))
