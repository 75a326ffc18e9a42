"""Releases as trees out of git: what an upgrade starts from."""

import io
import json
import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
LIST = Path(__file__).parent / "releases.txt"


class ReleaseMissingError(Exception):
    """The clone lacks a release's commit; the message says how to get it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """A line of releases.txt."""

    version: str
    commit: str


def last(text: str | None = None) -> Release:
    """The newest release of the list."""
    lines = [line.split() for line in (text or LIST.read_text()).splitlines() if line and not line.startswith("#")]
    version, commit = lines[-1]
    return Release(version=version, commit=commit)


def unpack(release: Release, folder: Path, repository: Path = PROJECT) -> None:
    """Fill the empty `folder` with the release's tree. Raises ReleaseMissingError."""
    command = ["git", "-C", str(repository), "archive", "--format=tar", release.commit]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0:
        raise ReleaseMissingError(
            f"release {release.version} ({release.commit}) is not in this clone, which may be shallow: "
            f"`git fetch --unshallow`, or clone with full history. git said: {done.stderr.decode().strip()}"
        )
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")


def chart_values(tree: Path, *, ca_bundle: str) -> dict[str, Any]:
    """What the release's own local platform would install its chart with: a newer one may say what it does not know."""
    program = (
        "import json, sys; from local.install import values;json.dump(values(ca_bundle=sys.stdin.read()), sys.stdout)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(tree), str(tree / "api")))}
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command, input=ca_bundle, cwd=tree, env=environment, capture_output=True, text=True, check=True
    )
    values: dict[str, Any] = json.loads(done.stdout)
    return values
