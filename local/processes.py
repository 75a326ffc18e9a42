"""Processes that outlive the command that started them, remembered in `processes.json` of the state folder.

A pid alone names nothing: the kernel reuses it. A record therefore holds the boot of the machine and the time at
which the process started (field 22 of /proc/PID/stat, proc(5)); a process is ours only while all three agree.
Works on Linux only, as the cluster does.
"""

import json
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from local import caches


class ProcessError(Exception):
    """A process did not start, did not become ready, or did not end; the message names its log."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One process that was started here."""

    name: str
    pid: int
    boot: str
    """The kernel's boot_id when the process was started."""
    started: int
    """Clock ticks between boot and the start of the process."""
    log: str

    def alive(self) -> bool:
        """Whether this very process still runs (a zombie does not)."""
        return self.boot == _boot() and _start_time(self.pid) == self.started


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _start_time(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat[stat.rindex(")") + 2 :].split()  # the name, in parentheses, may hold anything
    return None if fields[0] in "ZX" else int(fields[19])


class Processes:
    """The processes of one state folder."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._file = state / "processes.json"

    def records(self) -> dict[str, Record]:
        """What was started and not stopped, by name, alive or not, in the order of starting."""
        if not self._file.exists():
            return {}
        return {entry["name"]: Record(**entry) for entry in json.loads(self._file.read_text())}

    def alive(self, name: str) -> bool:
        """Whether the process of that name was started here and still runs."""
        record = self.records().get(name)
        return record is not None and record.alive()

    def start(self, name: str, command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> Record:
        """Start `command` in a session of its own, output to `logs/<name>.log`; returns at once.

        Where a process of that name is alive already, it is left as it is.
        """
        record = self.records().get(name)
        if record is not None and record.alive():
            return record
        log = self._state / "logs" / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        pid = _spawn(command, log, {**os.environ, **(environment or {})})
        started = _start_time(pid)
        if started is None:
            raise ProcessError(f"{name} ended as soon as it was started; see {log}")
        record = Record(name=name, pid=pid, boot=_boot(), started=started, log=str(log))
        self._update(lambda records: records.update({name: record}))
        return record

    def wait_until_ready(self, name: str, ready: Callable[[], bool], *, seconds: float) -> None:
        """Ask `ready` until it says yes; `ProcessError` when the process ends before or time runs out."""
        record = self.records()[name]
        deadline = time.monotonic() + seconds
        while not ready():
            _reap(record.pid)
            if not record.alive():
                raise ProcessError(f"{name} ended before it was ready:\n{_tail(record.log)}")
            if time.monotonic() > deadline:
                raise ProcessError(f"{name} was not ready after {seconds:.0f} s:\n{_tail(record.log)}")
            time.sleep(0.1)

    def stop(self, name: str, *, seconds: float = 30) -> bool:
        """End the process by SIGTERM, after `seconds` by SIGKILL, and forget it; False where none was alive."""
        record = self.records().get(name)
        if record is None:
            return False
        stopped = record.alive()
        if stopped:
            _end(record, seconds)
        self._update(lambda records: records.pop(name, None))
        return stopped

    def _update(self, change: Callable[[dict[str, Record]], object]) -> None:
        with caches.locked(self._state / ".processes.lock"):
            records = self.records()
            change(records)
            new = self._file.with_suffix(".new")
            new.write_text(json.dumps([asdict(record) for record in records.values()], indent=1))
            new.replace(self._file)


def _spawn(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> int:
    """Start a program in a session of its own; not by Popen, which warns about a process that outlives it."""
    write = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    return os.posix_spawnp(
        command[0],
        list(command),
        environment,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log, write, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigdef=[signal.SIGPIPE],  # ignored by Python, which a program that it starts would inherit
    )


def _end(record: Record, seconds: float) -> None:
    for number, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, 10.0)):
        os.kill(record.pid, number)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            _reap(record.pid)
            if not record.alive():
                return
            time.sleep(0.05)
    raise ProcessError(f"{record.name} (pid {record.pid}) did not end, not even by SIGKILL")


def _reap(pid: int) -> None:
    """Collect the exit status where the process is a child of ours, so that it does not stay as a zombie."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return  # started by an earlier command: init collects it


def _tail(log: str, lines: int = 20) -> str:
    text = Path(log).read_text(errors="replace").splitlines()
    return "\n".join([f"(the last lines of {log})", *text[-lines:]])
