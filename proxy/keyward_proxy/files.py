"""Whether files changed: by what the file system says of them, not by their content."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

Stamp: TypeAlias = tuple[tuple[str, int, int, int, int], ...]
"""Name, size, inode and times of each file; a file that is not there has none of these."""


def stamp(files: Iterable[Path]) -> Stamp:
    """What tells one state of these files from another. Links are followed: replaced targets are changes."""
    return tuple(_one(file) for file in files)


def _one(file: Path) -> tuple[str, int, int, int, int]:
    try:
        found = file.stat()
    except OSError:
        return (str(file), -1, 0, 0, 0)
    return (str(file), found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns)
