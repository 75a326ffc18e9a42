import subprocess
from pathlib import Path

import pytest

from tests.upgrade import releases
from tests.upgrade.releases import Release, ReleaseMissingError


@pytest.fixture
def repository(tmp_path: Path) -> tuple[Path, Release]:
    """A repository with one release, after which its file changed."""
    folder = tmp_path / "repository"
    folder.mkdir()

    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        return subprocess.run(
            ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "--quiet")
    for text in ("released", "later"):
        (folder / "file").write_text(text)
        git("add", "file")
        git("commit", "--quiet", "--message", text)
    return folder, Release(version="1.0.0", commit=git("rev-parse", "HEAD~1"))


def test_the_last_line_is_the_newest_release() -> None:
    assert releases.last("# Comment.\n0.1.0 aaa\n0.2.0 bbb\n") == Release(version="0.2.0", commit="bbb")


def test_the_list_has_one() -> None:
    assert len(releases.last().commit) == 40


def test_a_release_is_unpacked_as_it_was(repository: tuple[Path, Release], tmp_path: Path) -> None:
    folder, release = repository
    tree = tmp_path / "tree"
    tree.mkdir()
    releases.unpack(release, tree, folder)
    assert (tree / "file").read_text() == "released"


def test_a_shallow_clone_is_told_of(repository: tuple[Path, Release], tmp_path: Path) -> None:
    folder, release = repository
    shallow = tmp_path / "shallow"
    subprocess.run(["git", "clone", "--quiet", "--depth=1", f"file://{folder}", shallow], check=True)
    with pytest.raises(ReleaseMissingError, match="--unshallow"):
        releases.unpack(release, tmp_path / "tree", shallow)


def test_values_are_those_of_the_trees_own_platform(tmp_path: Path) -> None:
    (tmp_path / "local").mkdir()
    (tmp_path / "local/__init__.py").touch()
    (tmp_path / "local/install.py").write_text("def values(*, ca_bundle):\n    return {'old': ca_bundle}\n")
    assert releases.chart_values(tmp_path, ca_bundle="PEM") == {"old": "PEM"}
