"""Processes are known by pid, boot and start time, so a reused pid is never taken for ours."""

import dataclasses
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.processes import ProcessError, Processes

SLEEP = [sys.executable, "-c", "import time; print('slept', flush=True); time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)",
]


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    processes = Processes(tmp_path)
    yield processes
    for name in processes.records():
        processes.stop(name)


def said(processes: Processes, name: str, text: str) -> bool:
    return text in Path(processes.records()[name].log).read_text()


def test_a_process_outlives_the_object_that_started_it(processes: Processes, tmp_path: Path) -> None:
    record = processes.start("sleeper", SLEEP)
    assert Processes(tmp_path).alive("sleeper")
    assert Processes(tmp_path).records() == {"sleeper": record}
    assert Processes(tmp_path).stop("sleeper")
    assert not record.alive()
    assert Processes(tmp_path).records() == {}


def test_a_process_that_runs_is_not_started_twice(processes: Processes) -> None:
    assert processes.start("sleeper", SLEEP) == processes.start("sleeper", SLEEP)


@pytest.mark.parametrize("difference", [{"started": 1}, {"boot": "another"}])
def test_a_process_that_reuses_the_pid_is_not_ours(
    processes: Processes, tmp_path: Path, difference: dict[str, object]
) -> None:
    record = processes.start("sleeper", SLEEP)
    other = dataclasses.asdict(record) | difference
    (tmp_path / "processes.json").write_text(json.dumps([other]))
    assert not processes.alive("sleeper")
    assert not processes.stop("sleeper")
    assert record.alive(), "a process that is not ours was stopped"
    (tmp_path / "processes.json").write_text(json.dumps([dataclasses.asdict(record)]))


def test_a_process_that_ended_is_not_alive_and_is_started_again(processes: Processes) -> None:
    first = processes.start("sleeper", SLEEP)
    os.kill(first.pid, 9)
    os.waitpid(first.pid, 0)
    assert not processes.alive("sleeper")
    assert processes.start("sleeper", SLEEP).pid != first.pid


def test_a_zombie_is_not_alive(processes: Processes) -> None:
    record = processes.start("sleeper", SLEEP)
    os.kill(record.pid, 9)
    os.waitid(os.P_PID, record.pid, os.WEXITED | os.WNOWAIT)  # ended, and not collected
    assert not record.alive()


def test_what_does_not_end_when_asked_is_killed(processes: Processes) -> None:
    record = processes.start("stubborn", STUBBORN)
    processes.wait_until_ready("stubborn", lambda: said(processes, "stubborn", "deaf"), seconds=20)
    assert processes.stop("stubborn", seconds=0.2)
    assert not record.alive()


def test_readiness_is_waited_for(processes: Processes) -> None:
    processes.start("sleeper", SLEEP)
    processes.wait_until_ready("sleeper", lambda: said(processes, "sleeper", "slept"), seconds=20)


def test_a_process_that_ends_before_it_is_ready_is_an_error_with_its_last_words(processes: Processes) -> None:
    processes.start("failing", [sys.executable, "-c", "import time; print('no licence'); time.sleep(0.3)"])
    with pytest.raises(ProcessError, match=r"(?s)failing ended before it was ready.*no licence"):
        processes.wait_until_ready("failing", lambda: False, seconds=20)


def test_a_process_that_is_never_ready_is_an_error(processes: Processes) -> None:
    processes.start("sleeper", SLEEP)
    with pytest.raises(ProcessError, match="sleeper was not ready after 0 s"):
        processes.wait_until_ready("sleeper", lambda: False, seconds=0.2)


def test_to_stop_what_was_never_started_changes_nothing(tmp_path: Path) -> None:
    assert not Processes(tmp_path / "gone").stop("sleeper")
    assert not (tmp_path / "gone").exists()
