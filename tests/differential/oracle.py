"""Cassandra's own parsers, each in a process of its own."""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from local.keyspaces import java

HERE = Path(__file__).parent
POMS = {"5.0": java.POM, "3.11": HERE / "cassandra-3.11.xml"}
"""Local Keyspaces is a Cassandra 5.0; Amazon Keyspaces speaks the CQL of 3.11."""

_INTEGER = struct.Struct(">i")
_OPTIONS = ("-Xmx192m", "-Xss8m", "-XX:+UseSerialGC")


@dataclass(kw_only=True, slots=True)
class Answer:
    """What Cassandra read: a statement, or one of those in a batch."""

    kind: str
    """Java's name of the class, without the package."""

    keyspace: str | None = None
    name: str | None = None
    conditional: bool = False
    columns: set[str] = field(default_factory=set)
    children: list[Answer] = field(default_factory=list)
    more_names: bool = False
    """Whether it names more than one thing; then it is none of the statements that are passed on."""


@dataclass(frozen=True, slots=True)
class Oracle:
    """One version's parser."""

    version: str
    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, version: str) -> Oracle:
        """Fetches and compiles what is missing, then starts a Java virtual machine."""
        jdk = java.find_jdk(os.environ)
        libraries = java.jars(POMS[version])
        classes = java.classes(jdk, libraries, HERE / "java", f"differential-{version}")
        path = f"{classes}:{libraries}/*"
        command = [str(jdk.java), *_OPTIONS, "-cp", path, "dev.keyward.differential.ParserOracle"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return cls(version, process)

    def ask(self, texts: Sequence[str]) -> None:
        """Send a block of statements; its answers must be read before the next is sent."""
        parts = [_INTEGER.pack(len(texts))]
        for text in texts:
            encoded = text.encode()
            parts += [_INTEGER.pack(len(encoded)), encoded]
        pipe = _pipe(self.process.stdin)
        pipe.write(b"".join(parts))
        pipe.flush()

    def answers(self, count: int) -> Iterator[Answer | None]:
        """What each of a block's statements is; None where Cassandra does not parse it."""
        pipe = _pipe(self.process.stdout)
        for _ in range(count):
            yield _answer([_string(pipe) for _ in range(_integer(pipe))])

    def stop(self) -> None:
        """End it by the end of its input."""
        with self.process:
            _pipe(self.process.stdin).close()


def _answer(parts: list[str]) -> Answer | None:
    statements: list[Answer] = []
    for part in parts:
        mark, value = part[0], part[1:]
        if mark == "S":
            statements.append(Answer(kind=value))
            continue
        current = statements[-1]
        if mark == "C":
            current.conditional = True
        elif mark == "U":
            current.columns.add(value)
        elif mark == "K":
            current.more_names |= current.keyspace is not None or current.name is not None
            current.keyspace = value
        else:
            current.more_names |= current.name is not None
            current.name = value
    if not statements:
        return None
    statements[0].children = statements[1:]
    return statements[0]


def _integer(pipe: IO[bytes]) -> int:
    value: int = _INTEGER.unpack(_exactly(pipe, 4))[0]
    return value


def _string(pipe: IO[bytes]) -> str:
    return _exactly(pipe, _integer(pipe)).decode()


def _exactly(pipe: IO[bytes], count: int) -> bytes:
    data = pipe.read(count)
    if len(data) != count:
        raise EOFError("Cassandra's parser ended: is there memory left for its virtual machine?")
    return data


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe
