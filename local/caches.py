"""What is expensive to make is kept in a folder of the machine, one folder per thing and version.

A thing is built into a temporary folder beside its final place and renamed into it when complete, so a folder
that exists is always whole, and an interrupted build leaves nothing that a later one could take for its own.
Two processes that want the same thing wait for one another by a file lock.

Nothing is ever removed here: a new version is a new folder. `rm -rf` of the whole folder is always safe.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path


def root() -> Path:
    """The folder of all caches: `$KEYWARD_CACHE`, else `keyward` in the user's cache folder."""
    if configured := os.environ.get("KEYWARD_CACHE"):
        return Path(configured).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "keyward"


def digest(*parts: str | bytes | Path) -> str:
    """Eight hexadecimal digits that change when a text or the content of a file (a `Path`) does."""
    whole = hashlib.sha256()
    for part in parts:
        content = part.read_bytes() if isinstance(part, Path) else part
        whole.update(hashlib.sha256(content.encode() if isinstance(content, str) else content).digest())
    return whole.hexdigest()[:8]


def cached(thing: str, version: str, build: Callable[[Path], None]) -> Path:
    """The folder of `thing` at `version`; `build` fills it (an empty folder is given to it) when it is missing."""
    final = root() / f"{thing}-{version}"
    if final.is_dir():
        return final
    with locked(final.with_name(f".{final.name}.lock")):
        if final.is_dir():
            return final
        _remove_leftovers(final)
        building = Path(tempfile.mkdtemp(prefix=f".{final.name}.", suffix=".building", dir=final.parent))
        building.chmod(0o755)
        build(building)
        building.rename(final)
    return final


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the file `path` exclusively among processes and threads; waits until it is free."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _remove_leftovers(final: Path) -> None:
    for leftover in final.parent.glob(f".{final.name}.*.building"):
        shutil.rmtree(leftover)
