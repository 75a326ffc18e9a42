"""The engine that looks at coverage: Atheris, which is libFuzzer for Python.

Must be imported before what is fuzzed, since it instruments modules as they are imported. Where Atheris is not
installed (it has wheels for Linux on x86-64 only) `tests.fuzz.portable` is what runs.
"""

from __future__ import annotations

import importlib
import resource
import sys
from pathlib import Path

import atheris

from tests.fuzz.checked import MEGABYTES, SECONDS, checked

SLOWER = 4
"""So many times longer may an input take under instrumentation; it is tried again without."""

STUCK_SECONDS = 60
LONGEST_INPUT = 4096


def fuzz(name: str, *, seconds: float, folder: Path) -> None:
    """Run until the time is over or something is found; ends the process."""
    with atheris.instrument_imports(include=["keyward_proxy", "keyward_api"]):
        target = importlib.import_module(f"tests.fuzz.targets.{name}")
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    run = checked(target.run, seconds=SLOWER * SECONDS)
    for seed in target.seeds():
        run(seed)
    options = [
        f"-max_total_time={max(1, round(seconds))}",
        # What libFuzzer looks at is the peak, which a process inherits; `checked` looks at what there is.
        f"-rss_limit_mb={resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024 + 2 * MEGABYTES}",
        f"-timeout={STUCK_SECONDS}",
        f"-max_len={LONGEST_INPUT}",
        f"-artifact_prefix={folder}/",
        "-print_final_stats=1",
        "-verbosity=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], run)
    atheris.Fuzz()
