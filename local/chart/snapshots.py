"""What the chart renders to under the values of its tests: committed, so that a review sees what a change does."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from local.chart import helm

VALUES = Path("tests/unit/chart/values")
SNAPSHOTS = Path("tests/unit/chart/snapshots")


class RenderingError(Exception):
    """The chart refused values that it must take; the message is helm's."""


def files(project: Path) -> dict[str, str]:
    """Path below the project's folder, and text. Raises RenderingError."""
    program = helm.program()
    return {
        str(SNAPSHOTS / values.name): _rendered(program, yaml.safe_load(values.read_text()) or {})
        for values in sorted((project / VALUES).glob("*.yaml"))
    }


def text(documents: Iterable[dict[str, Any]]) -> str:
    """The same whichever order helm gave them. Without the kinds, which `crds/` has."""
    kept = [document for document in documents if document["kind"] != "CustomResourceDefinition"]
    return yaml.safe_dump_all(sorted(kept, key=_place), sort_keys=False, width=120)


def _rendered(program: str, values: dict[str, Any]) -> str:
    done = helm.template(program, values)
    if done.returncode != 0:
        raise RenderingError(done.stderr)
    return text(document for document in yaml.safe_load_all(done.stdout) if document)


def _place(document: dict[str, Any]) -> tuple[str, str, str]:
    return document["kind"], document["metadata"].get("namespace", ""), document["metadata"]["name"]
