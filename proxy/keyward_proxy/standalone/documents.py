"""YAML as it must be where it gives rights: each key once, no aliases, nothing but JSON's values.

PyYAML takes the last of two equal keys in silence; a second `deny:` would take the first one away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from keyward_proxy.standalone.problem import ManifestsError, Problem


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """One YAML document of a file."""

    file: str
    index: int
    """The first is 1."""

    content: Any

    def problem(self, message: str, *, field: str = "") -> Problem:
        """Something that is wrong with it."""
        return Problem(file=self.file, document=self.index, field=field, message=message)


def read_documents(file: str, text: str) -> list[Document]:
    """The documents of a file, empty ones left out; raises ManifestsError."""
    found: list[Document] = []
    index = 1
    try:
        for content in yaml.load_all(text, _StrictLoader):
            if content is not None:
                found.append(Document(file=file, index=index, content=content))
            index += 1
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ManifestsError([Problem(file=file, document=index, message=_words(error))]) from error
    return found


class _StrictLoader(yaml.SafeLoader):
    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.get_event()  # type: ignore[no-untyped-call]
            raise yaml.constructor.ConstructorError(
                None, None, f"the alias '*{event.anchor}' is not supported: write the value out", event.start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
                raise yaml.constructor.ConstructorError(
                    None, None, "a key is no string: put it in quotes", key.start_mark
                )
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key.value}' is there twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _no_timestamp(loader: _StrictLoader, node: yaml.Node) -> str:
    """A date without quotes is text, as it is for the API server."""
    return str(loader.construct_scalar(node))  # type: ignore[arg-type]


_StrictLoader.add_constructor("tag:yaml.org,2002:timestamp", _no_timestamp)


def _words(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem:
        mark = error.problem_mark
        return error.problem + (f" (line {mark.line + 1}, column {mark.column + 1})" if mark else "")
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return " ".join(str(error).split())
