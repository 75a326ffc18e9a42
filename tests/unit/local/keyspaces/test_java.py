from pathlib import Path

import pytest

from local.keyspaces import LocalKeyspacesError, java


@pytest.mark.parametrize(
    ("version", "release"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('java version "1.8.0_392"', 8),
        ("command not found", None),
    ],
)
def test_the_feature_release_of_a_jdk(version: str, release: int | None) -> None:
    assert java.feature_release(version) == release


def fake_jdk(home: Path, version: str) -> None:
    (home / "bin").mkdir(parents=True)
    for name in ("java", "javac"):
        program = home / "bin" / name
        program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
        program.chmod(0o755)


def test_java_home_is_taken_before_the_path(tmp_path: Path) -> None:
    fake_jdk(tmp_path / "seventeen", "17.0.1")
    jdk = java.find_jdk({"JAVA_HOME": str(tmp_path / "seventeen"), "PATH": "/usr/bin"})
    assert jdk.javac == tmp_path / "seventeen/bin/javac"


def test_another_jdk_is_refused_with_what_to_do(tmp_path: Path) -> None:
    fake_jdk(tmp_path / "other", "21.0.2")
    with pytest.raises(LocalKeyspacesError, match=r"needs JDK 17, .*/other/bin/java is 21: set JAVA_HOME"):
        java.find_jdk({"PATH": str(tmp_path / "other/bin")})


def test_no_jdk_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(LocalKeyspacesError, match="apt-get install openjdk-17-jdk-headless"):
        java.find_jdk({"JAVA_HOME": str(tmp_path), "PATH": "/usr/bin"})


def test_the_pom_names_the_version_of_cassandra() -> None:
    assert java.cassandra_version(java.POM.read_text()).startswith("5.0.")


def test_a_pom_without_cassandra_is_an_error() -> None:
    with pytest.raises(LocalKeyspacesError, match="does not name cassandra-all"):
        java.cassandra_version('<project xmlns="http://maven.apache.org/POM/4.0.0"/>')


def test_options_of_the_virtual_machine_are_the_lines_that_are_no_comments() -> None:
    assert java.virtual_machine_options("# why\n\n-Xmx1g\n  -Xss1m\n") == ["-Xmx1g", "-Xss1m"]
