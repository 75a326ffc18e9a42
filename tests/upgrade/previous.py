"""The images of the last release, built while other tests run: that takes minutes and needs no cluster."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from local import images
from local.runner import Log
from tests.upgrade import releases


@dataclass(frozen=True, kw_only=True, slots=True)
class Previous:
    """The last release, unpacked, with images in the docker daemon."""

    folder: Path
    tree: images.Tree

    @property
    def chart(self) -> Path:
        """Its chart."""
        return self.folder / "charts/keyward"


@contextmanager
def building(folder: Path, screen: TextIO) -> Iterator["Future[Previous]"]:
    """Unpack it into the empty `folder` and build its images, in a thread that the block's end waits for.

    The result raises what unpacking or building raised.
    """
    with ThreadPoolExecutor(max_workers=1) as executor:
        yield executor.submit(_build, folder, screen)


def _build(folder: Path, screen: TextIO) -> Previous:
    release = releases.last()
    releases.unpack(release, folder)
    tree = images.Tree(project=folder, tag=f"release-{release.version}", targets=("operator", "agent"))
    log = Log("images", folder / "images.log", screen)
    try:
        images.build(log, tree)
    finally:
        log.close()
    return Previous(folder=folder, tree=tree)
