"""`python -m tests.fuzz [TARGET ...]` fuzzes for ever, or for `--seconds` in all.

`python -m tests.fuzz TARGET FILE` runs an input that was found once more.

Each target runs in a process of its own, a minute in turn. What is found is written to STATE/TARGET/crash-*, and said.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from tests.fuzz import targets
from tests.fuzz.checked import checked

STATE = Path(".state/fuzz")
TURN_SECONDS = 60.0
MODULE = "tests.fuzz"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one turn of one target came to."""

    executions: int
    seconds: float
    found: tuple[Path, ...]
    """Inputs that break a promise, tried again outside of the engine."""

    said: str

    def __str__(self) -> str:
        rate = self.executions / self.seconds
        found = " ".join(f"FOUND {path}" for path in self.found) or "nothing found"
        return f"{self.executions:>9} executions, {rate:7.0f}/s: {found}"


def engine() -> str:
    """The better of the engines that are installed."""
    return "guided" if importlib.util.find_spec("atheris") else "portable"


def turn(name: str, *, seconds: float, state: Path, engine: str) -> Outcome:
    """Fuzz one target in a process of its own."""
    folder = state / name
    folder.mkdir(parents=True, exist_ok=True)
    known, began = set(inputs(folder)), time.monotonic()
    command = [sys.executable, "-m", MODULE, name, f"--seconds={seconds}", f"--state={state}", f"--inside={engine}"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    new = [path for path in inputs(folder) if path not in known]
    if done.returncode and not new:
        raise RuntimeError(f"{name} could not be fuzzed:\n{done.stdout[-4000:]}")
    executions = re.findall(r"number_of_executed_units: (\d+)", done.stdout)
    return Outcome(
        executions=int(executions[-1]) if executions else 0,
        seconds=time.monotonic() - began,
        found=tuple(path for path in new if breaks(name, path)),
        said=done.stdout,
    )


def inputs(folder: Path) -> list[Path]:
    """What engines have written down there."""
    return sorted(path for path in folder.iterdir() if path.name.startswith(("crash-", "timeout-", "oom-")))


def breaks(name: str, path: Path) -> bool:
    """Whether an input breaks a promise where nothing is instrumented."""
    command = [sys.executable, "-m", MODULE, name, str(path)]
    try:
        return subprocess.run(command, capture_output=True, timeout=60).returncode != 0
    except subprocess.TimeoutExpired:
        return True


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description=__doc__)
    parser.add_argument("what", nargs="*", metavar="TARGET | FILE", help=f"of {', '.join(targets.NAMES)}; default: all")
    parser.add_argument("--seconds", type=float, help="in all; default: until it is stopped")
    parser.add_argument("--state", type=Path, default=STATE, help="where inputs are kept (default: %(default)s)")
    parser.add_argument("--engine", choices=["guided", "portable"], default=engine(), help="default: %(default)s")
    parser.add_argument("--inside", choices=["guided", "portable"], help=argparse.SUPPRESS)
    parsed = parser.parse_args(arguments)
    if parsed.inside:
        return _inside(parsed.what[0], parsed)
    files = [Path(word) for word in parsed.what if word not in targets.NAMES]
    names = [word for word in parsed.what if word in targets.NAMES] or list(targets.NAMES)
    if files:
        return _again(names[0], files)
    return _turns(names, parsed)


def _turns(names: Sequence[str], parsed: argparse.Namespace) -> int:
    found: list[Path] = []
    rounds = names if parsed.seconds else cycle(names)
    for name in rounds:
        seconds = parsed.seconds / len(names) if parsed.seconds else TURN_SECONDS
        outcome = turn(name, seconds=seconds, state=parsed.state, engine=parsed.engine)
        print(f"{name:12} {parsed.engine:8} {outcome}", flush=True)
        if outcome.found:
            print(outcome.said[-3000:], flush=True)
            print(f"again: {sys.executable} -m {MODULE} {name} {outcome.found[0]}", flush=True)
        found += outcome.found
    return 1 if found else 0


def _again(name: str, files: Sequence[Path]) -> int:
    run = checked(importlib.import_module(f"tests.fuzz.targets.{name}").run)
    for path in files:
        run(path.read_bytes())
    return 0


def _inside(name: str, parsed: argparse.Namespace) -> int:
    module = importlib.import_module(f"tests.fuzz.{parsed.inside}")
    executions = module.fuzz(name, seconds=parsed.seconds, folder=parsed.state / name)
    print(f"stat::number_of_executed_units: {executions}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
