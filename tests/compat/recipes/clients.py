"""The long-lived clients: how each is built from its recipe, and how it is talked to."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from local.keyspaces import java
from tests.compat.suites.programs import JavaProgram, NodeProgram
from tests.compat.suites.suite import build

HERE = Path(__file__).parent
RECIPES = HERE.parents[2] / "examples" / "clients"
Command = list[str]


def python(_: Path) -> Command:
    """With the driver of this environment."""
    return [sys.executable, str(HERE / "python" / "main.py")]


def java_client(folder: Path) -> Command:
    """Compiled against the jars of the Java driver's checks."""
    libraries = JavaProgram().libraries()
    jdk = java.find_jdk(os.environ)
    sources = [RECIPES / "java" / "TokenFile.java", HERE / "java" / "Main.java"]
    build([jdk.javac, "-Xlint:all,-path,-classfile", "-Werror", "-d", folder, "-cp", f"{libraries}/*", *sources])
    return [str(jdk.java), "-Xmx128m", "-cp", f"{folder}:{libraries}/*", "Main"]


def go(folder: Path) -> Command:
    """With gocql 2."""
    build(["go", "build", "-o", folder / "client", "."], folder=HERE / "go")
    return [str(folder / "client")]


def node(_: Path) -> Command:
    """With the modules of the Node driver's checks."""
    return ["node", str(HERE / "node" / "main.js")]


BUILDERS: dict[str, Callable[[Path], Command]] = {"python": python, "java": java_client, "go": go, "node": node}
"""By folder of examples/clients."""


def missing(name: str) -> str:
    """What this machine lacks for a client; empty where nothing."""
    programs = {"java": ["mvn", "javac"], "go": ["go"], "node": ["node", "npm"]}
    return ", ".join(program for program in programs.get(name, []) if shutil.which(program) is None)


class Client:
    """One running client."""

    def __init__(self, command: Command, arguments: list[str], log: Path) -> None:
        """`arguments`: address, port, CA, role, token file."""
        paths = {"PYTHONPATH": str(RECIPES / "python"), "NODE_PATH": _node_modules(command)}
        self._log = log.open("wb")
        more = [str(RECIPES / "node" / "token-file.js")] if command[0] == "node" else []
        self._process = subprocess.Popen(
            [*command, *arguments, *more],
            env={**os.environ, **paths},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def ask(self) -> str:
        """What its query answers: `local`, or what was wrong for a minute."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()
        self._log.close()


def _node_modules(command: Command) -> str:
    if command[0] != "node":
        return ""
    program = NodeProgram()
    program.prepare()
    return str(program.modules)
