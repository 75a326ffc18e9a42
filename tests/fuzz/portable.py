"""The engine that runs everywhere: Hypothesis bends seeds, without looking at coverage, and shrinks what it finds."""

from __future__ import annotations

import hashlib
import importlib
import random
import time
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.checked import checked

EXAMPLES_PER_ROUND = 250


def fuzz(name: str, *, seconds: float, folder: Path) -> int:
    """Run until the time is over or something is found; the executions that it took. Raises what it found."""
    target = importlib.import_module(f"tests.fuzz.targets.{name}")
    folder.mkdir(parents=True, exist_ok=True)
    run = checked(target.run)
    for known in target.seeds():
        run(known)
    latest, executions = b"", 0

    @settings(
        max_examples=EXAMPLES_PER_ROUND,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(bent(target.seeds()))
    def one_round(data: bytes) -> None:
        nonlocal latest, executions
        latest, executions = data, executions + 1
        run(data)

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            seed(random.getrandbits(64))(one_round)()
        except BaseException:
            # The last input that Hypothesis tries is the smallest that fails.
            (folder / f"crash-{hashlib.sha1(latest, usedforsecurity=False).hexdigest()}").write_bytes(latest)
            raise
    return executions


def bent(seeds: list[bytes]) -> st.SearchStrategy[bytes]:
    """Seeds cut, joined and overwritten, and bytes of nobody's."""
    change = st.tuples(st.integers(0, 4096), st.integers(0, 8), st.binary(max_size=8))
    seeded = st.builds(
        _bend, st.lists(st.sampled_from(seeds), min_size=1, max_size=3).map(b"".join), st.lists(change, max_size=12)
    )
    return st.one_of(seeded, seeded, st.binary(max_size=256))


def _bend(data: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    for place, dropped, put in changes:
        at = place % (len(data) + 1)
        data = data[:at] + put + data[at + dropped :]
    return data
