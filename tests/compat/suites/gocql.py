"""gocql's own integration tests, from its Go module.

The module is copied out of Go's module cache (which is read-only) and its test program compiled once a version. Only
tests of files that are built for a server (`//go:build … cassandra` or `integration`) are run: the others need none.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from local import caches
from tests.compat import cassandra
from tests.compat.results import Outcome, Result, Results
from tests.compat.suites.suite import SuiteError, build, run_program

TAGS = "cassandra integration"
SECONDS = 900
_OUTCOMES = {"pass": Outcome.PASSED, "fail": Outcome.FAILED, "skip": Outcome.SKIPPED}
_NOT_OF_A_SERVER = frozenset({"TestDocker"})  # starts containers


@dataclass(kw_only=True, slots=True)
class Gocql:
    """One version of gocql, run with some settings."""

    module: str
    version: str
    settings: tuple[str, ...]
    """Flags of its tests."""
    label: str
    tests: tuple[str, ...] = ()
    """A part of the suite; empty: all of it."""
    _folder: Path = field(default=Path(), init=False)

    @property
    def name(self) -> str:
        """See Suite."""
        return f"gocql {self.version} ({self.label})"

    @property
    def command(self) -> str:
        """See Suite."""
        return f"go test -tags '{TAGS}' -args {' '.join(self._flags('ADDRESS'))}"

    def prepare(self) -> None:
        """See Suite."""
        if shutil.which("go") is None:
            raise SuiteError("gocql's tests need Go: install it from https://go.dev/dl/")
        self._folder = caches.cached("gocql-tests", f"{self.version}-{_go_version()}", self._build)

    def _build(self, folder: Path) -> None:
        done = subprocess.run(
            ["go", "mod", "download", "-json", f"{self.module}@{self.version}"],
            cwd=folder, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise SuiteError(f"{self.module}@{self.version} cannot be downloaded:\n{done.stdout}{done.stderr}")
        shutil.copytree(json.loads(done.stdout)["Dir"], folder, dirs_exist_ok=True, copy_function=shutil.copyfile)
        for directory in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
            directory.chmod(0o755)
        build(["go", "test", "-c", "-vet=off", "-tags", TAGS, "-o", "compat.test", "."], folder=folder)

    def run(self, address: str, only: Sequence[str] = ()) -> Results:
        """See Suite. A test that ends the whole program is missing, those after it are run without it."""
        wanted = list(only or self.tests or server_tests(self._folder))
        found: Results = {}
        while remaining := [name for name in wanted if name not in found]:
            new = self._run_once(address, remaining)
            if not new:
                break
            found.update(new)
        return found

    def _run_once(self, address: str, names: Iterable[str]) -> Results:
        pattern = f"^({'|'.join(names)})$"
        program = ["./compat.test", "-test.v=test2json", f"-test.timeout={SECONDS}s", "-test.run", pattern]
        output = run_program(
            ["go", "tool", "test2json", *program, *self._flags(address)], folder=self._folder, seconds=SECONDS + 20
        )
        return read_events(output)

    def _flags(self, address: str) -> list[str]:
        return [
            f"-cluster={address}",
            "-rf=1",
            "-clusterSize=1",
            "-autowait=1000ms",
            f"-gocql.cversion={cassandra.version()}",
            "-gocql.timeout=60s",
            *self.settings,
        ]


def server_tests(folder: Path) -> list[str]:
    """Names of the tests that need a server, in the order of the files."""
    names = []
    for path in sorted(folder.glob("*_test.go")):
        text = path.read_text()
        if re.search(r"^//go:build .*(cassandra|integration)", text, re.MULTILINE):
            names += re.findall(r"^func (Test\w+)\(\w+ \*testing\.T\)", text, re.MULTILINE)
    return [name for name in names if name not in _NOT_OF_A_SERVER and name != "TestMain"]


def read_events(output: str) -> Results:
    """The results in what test2json prints; a test that began and never ended is missing."""
    said: dict[str, list[str]] = {}
    results: Results = {}
    for event in _events(output):
        name, action = event.get("Test"), event["Action"]
        if not name:
            continue
        if action == "output":
            said.setdefault(name, []).append(event["Output"])
        elif action == "run":
            results[name] = Result(name=name, outcome=Outcome.MISSING)
        elif action in _OUTCOMES:
            results[name] = Result(name=name, outcome=_OUTCOMES[action])
    return {name: _with_message(result, said.get(name, ())) for name, result in results.items()}


def _events(output: str) -> Iterable[dict[str, str]]:
    return (json.loads(line) for line in output.splitlines() if line.startswith("{"))


def _with_message(result: Result, lines: Iterable[str]) -> Result:
    if result.outcome is Outcome.PASSED:
        return result
    text = " ".join(line.strip() for line in lines if not line.lstrip().startswith(("===", "---")))
    before, panic, after = text.partition("panic:")  # the stacks of all goroutines follow it
    return Result(name=result.name, outcome=result.outcome, message=(panic + after)[:1000] or before[-1000:])


def _go_version() -> str:
    return subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, check=True).stdout.strip()
