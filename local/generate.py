"""Writes every generated file of the project; `--check` only says which are not current.

The chart's snapshots need helm to be made, so they are written here too, but compared by the unit tests.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from keyward_api import crds
from local import documents
from local.chart import readme, schema, snapshots
from local.reference import pages
from local.reference.errors import IncompleteError

PROJECT = Path(__file__).resolve().parent.parent


def files(project: Path = PROJECT) -> dict[str, str]:
    """Path below the project's folder, and text."""
    return {
        **crds.files(),
        **documents.files(),
        **schema.files(),
        **readme.files(project),
        **pages.files(project),
    }


def stale(project: Path = PROJECT) -> list[str]:
    """Paths of generated files whose text is not what the models say, or that are missing."""
    return _changed(project, files(project))


def write(project: Path = PROJECT) -> list[str]:
    """Write what is stale; returns its paths."""
    # The snapshots last: they are rendered from what was written before.
    return _write(project, files(project)) + _write(project, snapshots.files(project))


def _write(project: Path, wanted: Mapping[str, str]) -> list[str]:
    changed = _changed(project, wanted)
    for path in changed:
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(wanted[path])
    return changed


def _changed(project: Path, wanted: Mapping[str, str]) -> list[str]:
    return [path for path, text in wanted.items() if not _holds(project / path, text)]


def _holds(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text


def main() -> int:
    """Write, or with `--check` fail on, stale files."""
    parser = argparse.ArgumentParser(
        description="Write the CRDs, docs/reference/, the chart's generated files, and tables of documents."
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file is stale")
    check: bool = parser.parse_args().check
    try:
        changed = stale() if check else write()
    except IncompleteError as error:
        parser.exit(2, f"the reference would not be complete: {error}\n")
    for path in changed:
        print(f"{'stale' if check else 'wrote'} {path}")
    return int(check and bool(changed))


if __name__ == "__main__":
    sys.exit(main())
