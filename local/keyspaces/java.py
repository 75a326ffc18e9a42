"""The JDK of this machine, Cassandra's jars from Maven Central, and our plug-ins compiled against them.

Jars and classes are cached (`local.caches`), the jars by Cassandra's version, the classes by the content of the
sources; both are made on first use.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from local import caches
from local.keyspaces import LocalKeyspacesError

HERE = Path(__file__).parent
POM = HERE / "pom.xml"
SOURCES = HERE / "java"
RELEASE = 17
"""Cassandra 5.0 runs on 11 and 17; our plug-ins are written for 17."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Jdk:
    """A Java development kit."""

    java: Path
    javac: Path


def find_jdk(environment: Mapping[str, str]) -> Jdk:
    """The JDK 17 of JAVA_HOME, else of PATH; `LocalKeyspacesError` when there is none or it is another."""
    where = os.pathsep.join((f"{home}/bin",)) if (home := environment.get("JAVA_HOME")) else environment.get("PATH")
    java, javac = (shutil.which(name, path=where) for name in ("java", "javac"))
    if java is None or javac is None:
        raise LocalKeyspacesError(
            f"local Keyspaces needs JDK {RELEASE} (java and javac), found none in {where}: install one, for example "
            f"`apt-get install openjdk-{RELEASE}-jdk-headless`, or set JAVA_HOME"
        )
    version = subprocess.run([java, "-version"], capture_output=True, text=True, check=True).stderr
    if (found := feature_release(version)) != RELEASE:
        raise LocalKeyspacesError(
            f"local Keyspaces needs JDK {RELEASE}, {java} is {found or version!r}: set JAVA_HOME to a JDK {RELEASE}"
        )
    return Jdk(java=Path(java), javac=Path(javac))


def feature_release(version: str) -> int | None:
    """17 for what `java -version` of JDK 17.0.15 prints; None where it says nothing of the kind."""
    match = re.search(r'version "(?:1\.)?(\d+)', version)
    return int(match.group(1)) if match else None


def cassandra_version(pom: str) -> str:
    """The version of Cassandra that a POM asks for."""
    namespace = "{http://maven.apache.org/POM/4.0.0}"
    for dependency in ElementTree.fromstring(pom).iter(f"{namespace}dependency"):  # noqa: S314 - our own file
        if dependency.findtext(f"{namespace}artifactId") == "cassandra-all":
            return dependency.findtext(f"{namespace}version") or ""
    raise LocalKeyspacesError("pom.xml does not name cassandra-all")


def jars(pom: Path = POM) -> Path:
    """The folder of the jars of the Cassandra that `pom` asks for, with all they need; downloaded on first use."""

    def download(folder: Path) -> None:
        if (maven := shutil.which("mvn")) is None:
            raise LocalKeyspacesError("Cassandra's jars come by Maven: install it (`apt-get install maven`)")
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={folder}", "-DincludeScope=runtime"]
        _run([maven, "--quiet", "--batch-mode", "--file", str(pom), *goal])

    return caches.cached("cassandra", cassandra_version(pom.read_text()), download)


def classes(jdk: Jdk, libraries: Path, folder_of_sources: Path = SOURCES, thing: str = "local-keyspaces") -> Path:
    """The folder of our compiled sources; compiled when one of them or the folder of jars changed."""
    sources = sorted(folder_of_sources.rglob("*.java"))

    def compile_all(folder: Path) -> None:
        options = [
            "-proc:none",
            "-Xlint:all,-path,-classfile",
            "-Werror",
            "--release",
            str(RELEASE),
            "-encoding",
            "UTF-8",
        ]
        _run([str(jdk.javac), *options, "-d", str(folder), "-cp", f"{libraries}/*", *map(str, sources)])

    names = "\n".join(str(source.relative_to(folder_of_sources)) for source in sources)
    return caches.cached(f"{thing}-classes", caches.digest(libraries.name, names, *sources), compile_all)


def virtual_machine_options(text: str) -> list[str]:
    """The lines of jvm.options that are neither empty nor comments."""
    return [line for line in map(str.strip, text.splitlines()) if line and not line.startswith("#")]


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise LocalKeyspacesError(f"`{' '.join(command[:4])} …` ended with {done.returncode}:\n{done.stdout[-4000:]}")
