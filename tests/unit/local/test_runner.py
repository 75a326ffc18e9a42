"""Steps run as soon as what they need is done; a failure names its step and its log."""

import io
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.runner import CommandFailed, Log, Runner, StepFailed


@pytest.fixture
def screen() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def runner(tmp_path: Path, screen: io.StringIO) -> Runner:
    return Runner(tmp_path, screen)


@pytest.fixture
def log(tmp_path: Path, screen: io.StringIO) -> Iterator[Log]:
    log = Log("step", tmp_path / "step.log", screen)
    yield log
    log.close()


def test_a_step_follows_those_that_it_needs(runner: Runner) -> None:
    order: list[str] = []
    runner.add("a", lambda _: order.append("a"))
    runner.add("b", lambda _: order.append("b"), needs=["a"])
    runner.add("c", lambda _: order.append("c"), needs=["a", "b"])
    runner.run()
    assert order == ["a", "b", "c"]


def test_steps_that_do_not_need_each_other_run_side_by_side(runner: Runner) -> None:
    meeting = threading.Barrier(2, timeout=20)
    runner.add("a", lambda _: meeting.wait())
    runner.add("b", lambda _: meeting.wait())
    runner.run()


def test_after_a_failure_no_step_starts_and_the_running_ones_end(runner: Runner, tmp_path: Path) -> None:
    failed, ended = threading.Event(), threading.Event()

    def fail(_: Log) -> None:
        failed.set()
        raise ValueError("no space left")

    def slow(_: Log) -> None:
        assert failed.wait(20)
        ended.set()

    started: list[str] = []
    runner.add("slow", slow)
    runner.add("bad step", fail)
    runner.add("after", lambda _: started.append("after"), needs=["bad step", "slow"])
    with pytest.raises(StepFailed) as caught:
        runner.run()
    assert str(caught.value) == f"bad step failed: no space left\n(the whole log: {tmp_path / 'bad-step.log'})"
    assert ended.is_set()
    assert started == []


def test_each_step_says_when_it_is_done(runner: Runner, screen: io.StringIO) -> None:
    runner.add("make tea", lambda log: log.say("water boils"))
    runner.run()
    assert screen.getvalue().startswith("   make tea: water boils\n== make tea: done in 0.")


def test_a_need_that_was_not_added_is_refused(runner: Runner) -> None:
    with pytest.raises(ValueError, match="needs steps that were not added before it: \\['b'\\]"):
        runner.add("a", lambda _: None, needs=["b"])


def test_a_name_is_given_once(runner: Runner) -> None:
    runner.add("a", lambda _: None)
    with pytest.raises(ValueError, match="two steps are named 'a'"):
        runner.add("a", lambda _: None)


def test_a_command_is_logged_with_its_output(log: Log) -> None:
    lines: list[str] = []
    program = "import sys; print('out'); print(sys.stdin.read()); print('err', file=sys.stderr)"
    output = log.run([sys.executable, "-u", "-c", program], stdin="in", on_line=lines.append)
    assert lines == output.splitlines() == ["out", "in", "err"]
    assert "in\nerr\n(ended with 0 after" in log.path.read_text()


def test_a_command_that_fails_is_an_error_with_its_last_words(log: Log) -> None:
    with pytest.raises(CommandFailed, match=r"(?s)ended with 3:\nbroken pipe dream"):
        log.run([sys.executable, "-c", "print('broken pipe dream'); raise SystemExit(3)"])


def test_a_command_may_leave_its_input_unread(log: Log) -> None:
    log.run([sys.executable, "-c", "pass"], stdin="x" * 1_000_000)


def test_progress_is_shown_now_and_then(log: Log, screen: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    log.progress("1 of 100")
    assert screen.getvalue() == ""
    monkeypatch.setattr(Log, "INTERVAL", 0.0)
    log.progress("2 of 100")
    assert screen.getvalue() == "   step: 2 of 100\n"
