"""A cached thing is whole or absent, and made once."""

import threading
from pathlib import Path

import pytest

from local import caches


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KEYWARD_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def write_a(folder: Path) -> None:
    (folder / "a").write_text("made")


def fail(_: Path) -> None:
    raise AssertionError("built a second time")


def test_a_thing_is_built_once(cache: Path) -> None:
    made = caches.cached("thing", "1.0", write_a)
    assert made == cache / "thing-1.0"
    assert caches.cached("thing", "1.0", fail) == made
    assert (made / "a").read_text() == "made"


def test_versions_live_side_by_side() -> None:
    first, second = caches.cached("thing", "1.0", write_a), caches.cached("thing", "2.0", write_a)
    assert first != second
    assert first.is_dir()


def test_a_build_that_fails_leaves_nothing_that_counts(cache: Path) -> None:
    def broken(folder: Path) -> None:
        write_a(folder)
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        caches.cached("thing", "1.0", broken)
    assert not (cache / "thing-1.0").exists()
    assert (caches.cached("thing", "1.0", write_a) / "a").exists()
    assert not list(cache.glob("*.building"))


def test_threads_that_want_the_same_thing_build_it_once() -> None:
    builds = []

    def build(folder: Path) -> None:
        builds.append(folder)
        write_a(folder)

    threads = [threading.Thread(target=caches.cached, args=("thing", "1.0", build)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(builds) == 1


def test_a_digest_follows_the_content_of_files(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("one")
    before = caches.digest("text", file)
    assert caches.digest("text", file) == before
    file.write_text("two")
    assert caches.digest("text", file) != before


def test_a_digest_tells_parts_from_their_concatenation() -> None:
    assert caches.digest("ab", "c") != caches.digest("a", "bc")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"KEYWARD_CACHE": "/a/b"}, "/a/b"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/keyward"),
        ({"HOME": "/home/someone"}, "/home/someone/.cache/keyward"),
    ],
)
def test_the_folder_of_caches(environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KEYWARD_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert caches.root() == Path(expected)
