"""The programs that do the checks of `tests.compat.checks`, one a driver."""

import json
import os
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from local import caches
from local.keyspaces import LocalKeyspacesError, java
from tests.compat.checks import CHECKS
from tests.compat.results import Outcome, Result, Results
from tests.compat.suites.suite import SuiteError, build, run_program

HERE = Path(__file__).parent.parent / "programs"
SECONDS = 900


@dataclass(kw_only=True, slots=True)
class PythonProgram:
    """cassandra-driver, or scylla-driver, in an environment of its own."""

    name: str
    """The package's."""
    _python: Path = field(default=Path(), init=False)

    @property
    def _requirements(self) -> Path:
        return HERE / f"{self.name}.txt"

    @property
    def version(self) -> str:
        """See Suite."""
        found = re.search(rf"^{self.name}==(\S+)", self._requirements.read_text(), re.MULTILINE)
        return found[1] if found else ""

    @property
    def command(self) -> str:
        """See Suite."""
        return f"python tests/compat/programs/checks.py ADDRESS {_keyspace(self.name)}"

    def prepare(self) -> None:
        """See Suite."""
        version = f"{self.version}-{caches.digest(self._requirements, sys.version)}"
        self._python = caches.cached(f"compat-{self.name}", version, self._build) / "bin" / "python"

    def _build(self, folder: Path) -> None:
        uv = Path(sys.executable).with_name("uv")  # of `make setup`
        build([uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder])
        build([uv, "pip", "install", "--quiet", "--python", folder / "bin" / "python", "-r", self._requirements])

    def run(self, address: str, only: Sequence[str] = ()) -> Results:
        """See Suite."""
        return _checks([self._python, HERE / "checks.py", address, _keyspace(self.name), *only])


@dataclass(kw_only=True, slots=True)
class JavaProgram:
    """The Java driver 4, compiled with the JDK of local Keyspaces."""

    name: str = "java-driver"
    _folder: Path = field(default=Path(), init=False)

    @property
    def version(self) -> str:
        """See Suite."""
        text = (HERE / "java" / "pom.xml").read_text()
        found = re.search(r"<artifactId>java-driver-core</artifactId>\s*<version>([^<]+)", text)
        return found[1] if found else ""

    @property
    def command(self) -> str:
        """See Suite."""
        return "java -cp 'classes:lib/*' Checks ADDRESS compat_java_driver"

    def prepare(self) -> None:
        """See Suite."""
        sources = [HERE / "java" / name for name in ("pom.xml", "Checks.java")]
        self._folder = caches.cached("compat-java", f"{self.version}-{caches.digest(*sources)}", self._build)

    def libraries(self) -> Path:
        """The folder of the driver's jars."""
        self.prepare()
        return self._folder / "lib"

    def _build(self, folder: Path) -> None:
        if (maven := shutil.which("mvn")) is None:
            raise SuiteError("the Java driver comes by Maven: install it (`apt-get install maven`)")
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={folder}/lib", "-DincludeScope=runtime"]
        build([maven, "--quiet", "--batch-mode", "--file", HERE / "java" / "pom.xml", *goal])
        options = ["-Xlint:all,-path,-classfile", "-Werror", "-encoding", "UTF-8"]
        build(
            [_jdk().javac, *options, "-d", folder / "classes", "-cp", f"{folder}/lib/*", HERE / "java" / "Checks.java"]
        )

    def run(self, address: str, only: Sequence[str] = ()) -> Results:
        """See Suite."""
        path = f"{self._folder}/classes:{self._folder}/lib/*"
        return _checks([_jdk().java, "-Xmx256m", "-cp", path, "Checks", address, _keyspace(self.name), *only])


@dataclass(kw_only=True, slots=True)
class NodeProgram:
    """The Node driver."""

    name: str = "node-driver"
    _folder: Path = field(default=Path(), init=False)

    @property
    def version(self) -> str:
        """See Suite."""
        dependencies = json.loads((HERE / "node" / "package.json").read_text())["dependencies"]
        return str(dependencies["cassandra-driver"])

    @property
    def command(self) -> str:
        """See Suite."""
        return "node checks.js ADDRESS compat_node_driver"

    def prepare(self) -> None:
        """See Suite."""
        sources = [HERE / "node" / name for name in ("package.json", "package-lock.json", "checks.js")]
        self._folder = caches.cached("compat-node", f"{self.version}-{caches.digest(*sources)}", self._build)

    @property
    def modules(self) -> Path:
        """The folder of the driver's modules, once prepared."""
        return self._folder / "node_modules"

    def _build(self, folder: Path) -> None:
        if (npm := shutil.which("npm")) is None or shutil.which("node") is None:
            raise SuiteError("the Node driver needs Node and npm: install them (`apt-get install nodejs npm`)")
        shutil.copytree(HERE / "node", folder, dirs_exist_ok=True)
        build([npm, "ci", "--no-audit", "--no-fund", "--silent"], folder=folder)

    def run(self, address: str, only: Sequence[str] = ()) -> Results:
        """See Suite."""
        return _checks(["node", self._folder / "checks.js", address, _keyspace(self.name), *only])


def _checks(command: Sequence[str | Path]) -> Results:
    output = run_program(command, seconds=SECONDS)
    return read_lines(output, asked=[name for name in map(str, command) if name in CHECKS] or CHECKS)


def read_lines(output: str, *, asked: Sequence[str]) -> Results:
    """The results that a program printed; what was asked and is not there is missing."""
    results = {
        name: Result(name=name, outcome=Outcome.MISSING, message="the program did not come so far") for name in asked
    }
    for line in output.splitlines():
        if line.startswith("{"):
            found = json.loads(line)
            if found["name"] not in CHECKS:
                raise SuiteError(f"a program does a check that is not in checks.py: {found['name']!r}")
            results[found["name"]] = Result(
                name=found["name"], outcome=Outcome(found["outcome"]), message=found["message"]
            )
    return results


def _keyspace(name: str) -> str:
    return "compat_" + name.replace("-", "_")


def _jdk() -> java.Jdk:
    try:
        return java.find_jdk(os.environ)
    except LocalKeyspacesError as error:
        raise SuiteError(str(error)) from error
