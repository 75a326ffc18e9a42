"""Images are built when, and only when, something that they are made from has changed."""

from pathlib import Path

import pytest

from local import images


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("Dockerfile", "uv.lock", "README.md", "LICENSE"):
        (tmp_path / name).write_text(name)
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n')
    for folder in ("api", "operator", "proxy", "cli"):
        (tmp_path / folder / "package").mkdir(parents=True)
        (tmp_path / folder / "package/module.py").write_text(f"# {folder}\n")
    return tmp_path


def test_images_carry_the_distributions_version(project: Path) -> None:
    assert images.Tree(project=project).names() == (
        "keyward/operator:1.2.3",
        "keyward/agent:1.2.3",
        "keyward/cqlsh:1.2.3",
    )


def test_another_trees_images_have_a_tag_of_their_own(project: Path) -> None:
    assert images.Tree(project=project, tag="release").name("agent") == "keyward/agent:release"


@pytest.mark.parametrize("path", ["Dockerfile", "uv.lock", "api/package/module.py", "cli/package/module.py"])
def test_a_changed_input_changes_the_hash(project: Path, path: str) -> None:
    before = images.inputs_hash("base", project)
    (project / path).write_text("changed")
    assert images.inputs_hash("base", project) != before


def test_a_moved_input_changes_the_hash(project: Path) -> None:
    before = images.inputs_hash("base", project)
    (project / "api/package/module.py").rename(project / "api/package/other.py")
    assert images.inputs_hash("base", project) != before


def test_another_base_changes_the_hash(project: Path) -> None:
    assert images.inputs_hash("base", project) != images.inputs_hash("other", project)


def test_what_docker_does_not_read_changes_nothing(project: Path) -> None:
    before = images.inputs_hash("base", project)
    (project / "tests").mkdir()
    (project / "tests/test_it.py").write_text("")
    (project / "api/package/__pycache__").mkdir()
    (project / "api/package/__pycache__/module.pyc").write_text("")
    assert images.inputs_hash("base", project) == before


def test_the_context_holds_the_inputs_and_the_roots_of_this_machine(project: Path, tmp_path: Path) -> None:
    roots = tmp_path / "roots.pem"
    roots.write_text("PEM")
    context = tmp_path / "context"
    context.mkdir()
    images.write_context(context, environment={"PIP_CERT": str(roots)}, project=project)
    assert (context / "build-ca.crt").read_text() == "PEM"
    assert (context / "proxy/package/module.py").read_text() == "# proxy\n"
    assert not (context / "roots.pem").exists()


@pytest.mark.parametrize("environment", [{}, {"PIP_CERT": ""}, {"SSL_CERT_FILE": "/does/not/exist"}])
def test_a_machine_without_roots_of_its_own_adds_none(
    project: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    context = tmp_path / "context"
    context.mkdir()
    images.write_context(context, environment=environment, project=project)
    assert not (context / "build-ca.crt").exists()


def test_the_build_gets_pips_settings_and_nothing_else_of_the_environment() -> None:
    environment = {"PIP_INDEX_URL": "https://index.example/simple", "AWS_SECRET_ACCESS_KEY": "x"}
    command = images.build_command(
        "agent",
        "keyward/agent:1.2.3",
        base="python:3.13-slim",
        inputs="abc",
        context=Path("/context"),
        environment=environment,
    )
    assert command[-1] == "/context"
    assert "--build-arg=PIP_INDEX_URL" in command
    assert not any("index.example" in word or "SECRET" in word for word in command)
    assert command[command.index("--target") + 1] == "agent"
    assert command[command.index("--tag") + 1] == "keyward/agent:1.2.3"
    assert command[command.index("--build-arg") + 1] == "BASE=python:3.13-slim"
    assert f"{images.LABEL}=abc" in command


def test_every_input_exists() -> None:
    assert [entry for entry in images.INPUTS if not (images.PROJECT / entry).exists()] == []


def test_the_dockerfile_copies_no_more_than_the_inputs() -> None:
    copied = {
        word
        for line in (images.PROJECT / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for word in line.split()[1:-1]
    }
    assert {word.split("/")[0] for word in copied} - {"build-ca.cr[t]"} == set(images.INPUTS) - {"Dockerfile"}
