"""Every target for some seconds, a minute in all; `make fuzz` does not stop."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from tests.fuzz import targets
from tests.fuzz.__main__ import engine, turn
from tests.fuzz.checked import MEGABYTES, Grown, checked

SECONDS = 60 / len(targets.NAMES)


@pytest.mark.parametrize("name", targets.NAMES)
def test_nothing_is_found_in_a_few_seconds(name: str, tmp_path: Path) -> None:
    outcome = turn(name, seconds=SECONDS, state=tmp_path, engine=engine())
    print(name, engine(), outcome)
    assert not outcome.found, outcome.said[-4000:]
    assert outcome.executions > 100, f"hardly anything was tried: {outcome.said[-4000:]}"


@pytest.mark.parametrize("name", targets.NAMES)
def test_the_portable_engine_runs_every_target(name: str, tmp_path: Path) -> None:
    outcome = turn(name, seconds=0.5, state=tmp_path, engine="portable")
    assert not outcome.found, outcome.said[-4000:]
    assert outcome.executions


def test_each_module_of_targets_is_run() -> None:
    folder = Path(targets.__file__).parent
    assert {path.stem for path in folder.glob("*.py")} - {"__init__"} == set(targets.NAMES)


@pytest.mark.parametrize("name", targets.NAMES)
def test_the_seeds_keep_every_promise(name: str) -> None:
    target: targets.Target = importlib.import_module(f"tests.fuzz.targets.{name}")  # type: ignore[assignment]
    for seed in target.seeds():
        target.run(seed)


def test_a_target_that_grows_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = iter([100, 100 + MEGABYTES, 101 + MEGABYTES, 101 + MEGABYTES])
    monkeypatch.setattr("tests.fuzz.checked.resident_megabytes", lambda: next(sizes))
    run = checked(len)
    run(b"")
    with pytest.raises(Grown):
        run(b"")
