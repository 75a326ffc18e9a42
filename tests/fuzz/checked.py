"""A target's promises that are the same for all: no input takes longer than a second, none makes the process large.

Time is that of this thread alone, because the machine is shared.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

SECONDS = 1.0
MEGABYTES = 256
"""That a process may grow by while it is fuzzed."""


class Hang(Exception):
    """An input took too long."""


class Grown(Exception):
    """The process has become too large."""


def checked(work: Callable[[bytes], object], *, seconds: float = SECONDS) -> Callable[[bytes], None]:
    """`work`, such as a target's `run`, with a look at the time and at what the process has grown by since now."""
    base = resident_megabytes()

    def run(data: bytes) -> None:
        began = time.thread_time()
        work(data)
        took = time.thread_time() - began
        if took > seconds:
            raise Hang(f"{len(data)} bytes took {took:.2f} s")
        if resident_megabytes() > base + MEGABYTES:
            raise Grown(f"from {base} to {resident_megabytes()} MiB")

    return run


def resident_megabytes() -> int:
    """Of this process, now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 // 2**20
