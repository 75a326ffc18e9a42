"""What a suite is, and how programs are run."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from tests.compat.results import Results


class SuiteError(Exception):
    """A suite cannot be built or run; the message says what is missing."""


class Suite(Protocol):
    """Tests that can be run against an address."""

    @property
    def name(self) -> str:
        """Of driver and settings; the table of differences knows it."""

    @property
    def version(self) -> str:
        """Of the driver."""

    @property
    def command(self) -> str:
        """How it is run, for the document."""

    def prepare(self) -> None:
        """Download and build; raises SuiteError."""

    def run(self, address: str, only: Sequence[str] = ()) -> Results:
        """All tests, or those of these names, against port 9042 of the address."""


def run_program(
    command: Sequence[str | Path],
    *,
    folder: Path | None = None,
    settings: Mapping[str, str] | None = None,
    given: str = "",
    both: bool = False,
    seconds: float,
) -> str:
    """What the program prints, whatever its exit status; one that takes too long is ended.

    `given` is its standard input; `both` tells what it prints as errors too.
    """
    process = subprocess.Popen(
        list(map(str, command)),
        cwd=folder,
        env={**os.environ, **(settings or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if both else subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        return process.communicate(given, timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.communicate()[0]


def build(command: Sequence[str | Path], *, folder: Path | None = None) -> None:
    """Run a step of a build; raises SuiteError with the end of its output."""
    done = subprocess.run(
        list(map(str, command)), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        raise SuiteError(f"`{' '.join(map(str, command))}` ended with {done.returncode}:\n{done.stdout[-3000:]}")
