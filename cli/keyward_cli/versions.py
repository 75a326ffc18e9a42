"""What `keyward version` knows, and the three ways to write it."""

import json
import platform
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib.metadata import version

import yaml


class OutputFormat(StrEnum):
    """The formats of `-o`, as in kubectl; text is for people and may change between releases."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """The program that is running."""

    version: str
    """Of the distribution `keyward`, as PEP 440 writes it."""

    python: str
    """Of the interpreter, for bug reports."""


def installed_version() -> Version:
    """Return the version from the installed distribution's metadata."""
    return Version(version=version("keyward"), python=platform.python_version())


def render(value: Version, output: OutputFormat) -> str:
    """Return `value` in the given format, without a final line break."""
    if output is OutputFormat.JSON:
        return json.dumps(asdict(value))
    if output is OutputFormat.YAML:
        return str(yaml.safe_dump(asdict(value), sort_keys=False)).rstrip()
    return f"keyward {value.version} (Python {value.python})"
