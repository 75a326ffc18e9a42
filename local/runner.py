"""Steps that depend on one another, run side by side, each with a log file and one line when it is done.

    runner = Runner(state / "logs")
    runner.add("compile Kubernetes", compile_kubernetes)
    runner.add("node image", node_image, needs=["compile Kubernetes"])
    runner.run()

A step is a function of one argument, its `Log`. It starts when all that it needs is done, in a thread of its own:
steps spend their time in programs, not in Python. When one fails, none starts any more, those that run are waited
for, and `StepFailed` names the log. A step should find by itself that its work is already done: to run the same
steps again is how an interrupted run is resumed.
"""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import IO

Command = Sequence[str | Path]
"""A program and its arguments."""


class StepFailed(Exception):
    """A step did not do its work; the message says which, why, and where its log is."""


class CommandFailed(Exception):
    """A program that a step ran ended with a status other than 0; holds the last lines of its output."""


class Log:
    """Where a step says what it does: details to its file, progress to the screen."""

    INTERVAL = 10.0
    """Seconds between two progress lines of one step."""

    def __init__(self, step: str, path: Path, screen: IO[str]) -> None:
        self.step = step
        self.path = path
        self._screen = screen
        self._shown = time.monotonic()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w")

    def write(self, text: str) -> None:
        """Add a line to the file."""
        self._file.write(text.rstrip("\n") + "\n")
        self._file.flush()

    def say(self, text: str) -> None:
        """Show a line on the screen, under the name of the step, and keep it in the file."""
        self.write(text)
        self._screen.write(f"   {self.step}: {text}\n")
        self._screen.flush()

    def progress(self, text: str) -> None:
        """As `say`, but at most once in INTERVAL."""
        if time.monotonic() - self._shown >= self.INTERVAL:
            self._shown = time.monotonic()
            self.say(text)

    def run(
        self,
        command: Command,
        *,
        stdin: str | None = None,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> str:
        """Run a program, its output (both streams) to the file; returns the output.

        `on_line` sees each line as it comes. Raises `CommandFailed` on a status other than 0.
        """
        self.write("$ " + " ".join(map(str, command)))
        begin = time.monotonic()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd=cwd,
            env=None if environment is None else {**os.environ, **environment},
        )
        lines = []
        with process:
            if process.stdin is not None:
                threading.Thread(target=_feed, args=(process.stdin, stdin), daemon=True).start()
            for line in process.stdout or ():
                lines.append(line)
                self.write(line)
                if on_line is not None:
                    on_line(line.rstrip("\n"))
        self.write(f"(ended with {process.returncode} after {time.monotonic() - begin:.1f} s)")
        if process.returncode != 0:
            last = "".join(lines[-12:]).rstrip()
            raise CommandFailed(f"`{' '.join(map(str, command))}` ended with {process.returncode}:\n{last}")
        return "".join(lines)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _feed(pipe: IO[str], text: str | None) -> None:
    try:
        with pipe:
            pipe.write(text or "")
    except BrokenPipeError:
        return  # the program ended without reading; its status says why


Action = Callable[[Log], object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A piece of work and what must be done before it."""

    name: str
    action: Action
    needs: frozenset[str]


class Runner:
    """Runs steps, each as soon as those that it needs are done."""

    def __init__(self, logs: Path, screen: IO[str] | None = None) -> None:
        self._logs = logs
        self._screen = screen or sys.stdout
        self._steps: dict[str, Step] = {}

    def add(self, name: str, action: Action, needs: Iterable[str] = ()) -> None:
        """Register a step. `needs` are names of steps added before, so there can be no cycle."""
        needed = frozenset(needs)
        if unknown := needed - self._steps.keys():
            raise ValueError(f"step {name!r} needs steps that were not added before it: {sorted(unknown)}")
        if name in self._steps:
            raise ValueError(f"two steps are named {name!r}")
        self._steps[name] = Step(name=name, action=action, needs=needed)

    def names(self) -> list[str]:
        """The steps added so far."""
        return list(self._steps)

    def run(self) -> None:
        """Run all steps; raises `StepFailed` for the first that failed, once those that ran have ended."""
        done: set[str] = set()
        waiting = dict(self._steps)
        running: dict[Future[None], str] = {}
        failure: StepFailed | None = None
        with ThreadPoolExecutor(max_workers=max(1, len(waiting))) as pool:
            while waiting or running:
                ready = [step for step in waiting.values() if step.needs <= done and failure is None]
                for step in ready:
                    running[pool.submit(self._perform, step)] = step.name
                    del waiting[step.name]
                if not running:
                    break
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    done.add(running.pop(future))
                    error = future.exception()
                    if isinstance(error, StepFailed):
                        failure = failure or error
                    elif error is not None:
                        raise error
        if failure is not None:
            raise failure

    def _perform(self, step: Step) -> None:
        begin = time.monotonic()
        log = Log(step.name, self._logs / f"{re.sub('[^a-z0-9]+', '-', step.name.lower())}.log", self._screen)
        try:
            step.action(log)
        except Exception as error:  # whatever it was, it is this step that failed: said with its log
            log.write(f"failed: {error}")
            raise StepFailed(f"{step.name} failed: {error}\n(the whole log: {log.path})") from error
        finally:
            log.close()
        self._screen.write(f"== {step.name}: done in {time.monotonic() - begin:.1f} s\n")
        self._screen.flush()
