"""The processes of a flood: the agent, a stand-in for Keyspaces, and attackers; each ends when its input does."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS = 60.0


async def told() -> AsyncIterator[Any]:
    """What whoever started this process tells it, as JSON, until they close their end of the pipe."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield json.loads(line)


async def until_input_ends() -> None:
    """Wait until whoever started this process closes its end of the pipe."""
    async for _ in told():
        pass


@dataclass(frozen=True)
class Memory:
    """Of a process, in bytes, as the kernel counts it."""

    now: int
    highest: int


class Process:
    """One of the modules of this package, run."""

    def __init__(self, module: str, *arguments: str, log: Path) -> None:
        self._log = log.open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"tests.integration.floods.{module}", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def line(self) -> Any:
        """The next line that it prints, as JSON."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the process ended, see {self._log.name}"
        return json.loads(line)

    def tell(self, value: Any) -> None:
        """Send it a line of JSON."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(value) + "\n")
        self._process.stdin.flush()

    @property
    def memory(self) -> Memory:
        """Resident memory."""
        status = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        fields = {line.split(":")[0]: line.split()[1] for line in status if line.endswith(" kB")}
        return Memory(now=1024 * int(fields["VmRSS"]), highest=1024 * int(fields["VmHWM"]))

    @property
    def cpu_seconds(self) -> float:
        """User and system time so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def forget_highest_memory(self) -> None:
        """Let `memory.highest` begin anew."""
        Path(f"/proc/{self._process.pid}/clear_refs").write_text("5")

    def stop(self) -> None:
        """End it, and wait."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(20)
        self._process.stdout.close()
        self._log.close()


def wait_for(condition: Callable[[], bool], what: str, seconds: float = SECONDS) -> None:
    """Return once the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:g} s for {what}"
        time.sleep(0.05)
