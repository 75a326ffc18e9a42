"""Root file systems of Debian, made by debootstrap and kept as tar files."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from local import caches
from local.runner import Log

UNUSED = ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info")
"""Emptied: documentation and what apt can download again."""


def root_file_system(log: Log, release: str, packages: Sequence[str]) -> Path:
    """A tar file of a minimal Debian with these packages; downloaded and unpacked when missing. Needs root."""

    def build(folder: Path) -> None:
        root = folder / "root"
        log.say(f"debootstrap {release} with {len(packages)} packages")
        command = ["debootstrap", "--variant=minbase", f"--include={','.join(packages)}", release, str(root)]
        log.run(command, on_line=lambda line: log.progress(line.removeprefix("I: ")))
        for name in UNUSED:
            for entry in (root / name).iterdir():
                shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        log.run(["tar", "-C", root, "--numeric-owner", "-cf", folder / "root.tar", "."])
        shutil.rmtree(root)

    key = caches.digest(repr((release, sorted(packages), UNUSED)))
    return caches.cached("debian", f"{release}-{key}", build) / "root.tar"
