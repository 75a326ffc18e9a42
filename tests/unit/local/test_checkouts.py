"""The machine knows which checkouts have something running."""

from pathlib import Path

import pytest

from local import checkouts


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYWARD_CACHE", str(tmp_path))


def test_a_checkout_sees_the_others() -> None:
    for path in ("/one", "/two"):
        checkouts.mark_running(Path(path))
        checkouts.mark_running(Path(path))
    assert checkouts.others(Path("/one")) == [Path("/two")]
    assert sorted(checkouts.others(Path("/three"))) == [Path("/one"), Path("/two")]


def test_a_checkout_that_is_down_is_forgotten() -> None:
    checkouts.mark_running(Path("/one"))
    checkouts.mark_down(Path("/one"))
    checkouts.mark_down(Path("/never"))
    assert checkouts.others(Path("/two")) == []
