"""A folder that changes: what takes effect, when, and what never does."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from keyward_api.resources.policy import KeyspacesPolicySpec
from keyward_proxy.metrics import Metrics
from keyward_proxy.standalone import source as module
from keyward_proxy.standalone.policy import PolicySettings
from keyward_proxy.standalone.problem import ManifestsError
from keyward_proxy.standalone.source import DirectoryPolicySource
from tests.unit.proxy.standalone.folder import DATABASE, ROLE, USER, write
from tests.unit.proxy.support import until


class Following:
    """A source and what it has given so far."""

    def __init__(self, directory: Path) -> None:
        self.metrics = Metrics()
        self.source = DirectoryPolicySource(PolicySettings(directory=directory), metrics=self.metrics)
        self.given: list[KeyspacesPolicySpec] = []

    async def run(self) -> None:
        async for spec in self.source.policies():
            self.given.append(spec)

    @property
    def permissions(self) -> list[str]:
        return [str(p) for grant in self.given[-1].grants for rule in grant.allow for p in rule.permissions]

    @property
    def problems(self) -> float:
        return self.metrics.policy_problems._value.get()


@pytest.fixture
async def following(tmp_path: Path) -> AsyncIterator[Following]:
    made = Following(write(tmp_path))
    task = asyncio.get_running_loop().create_task(made.run())
    await until(lambda: len(made.given) == 1)
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


MORE = ROLE.replace("[Select]", "[Select, Modify]")


async def test_a_change_is_in_force_within_about_a_second(following: Following, tmp_path: Path) -> None:
    began = time.monotonic()
    write(tmp_path, role=MORE)
    await until(lambda: len(following.given) == 2)
    assert following.permissions == ["Select", "Modify"]
    assert time.monotonic() - began < 5  # 1 s where the machine has nothing else to do.
    assert module.LOOK_SECONDS + module.SETTLE_SECONDS < 1


@pytest.mark.parametrize("change", ["added", "removed", "renamed over"])
async def test_files_that_come_and_go_are_changes(following: Following, tmp_path: Path, change: str) -> None:
    if change == "added":
        write(tmp_path, more=USER.replace("name: people", "name: others").replace("alice", "bob"))
    elif change == "removed":
        (tmp_path / "user.yaml").unlink()
    else:
        (tmp_path / "new").write_text(MORE)
        (tmp_path / "new").replace(tmp_path / "role.yaml")
    await until(lambda: len(following.given) == 2)


async def test_a_change_that_says_the_same_is_none(following: Following, tmp_path: Path) -> None:
    write(tmp_path, role=f"# a comment\n{ROLE}")
    write(tmp_path, marker=USER.replace("name: people", "name: others").replace("payments", "elsewhere"))
    await until(lambda: len(following.source._policy.ignored) == 1)
    assert len(following.given) == 1


BROKEN: dict[str, Callable[[Path], object]] = {
    "half a file": lambda d: (d / "role.yaml").write_text(ROLE[:-30] + " ["),
    "a field that is unknown": lambda d: (d / "role.yaml").write_text(ROLE.replace("allow:", "alow:")),
    "a kind that is unknown": lambda d: (d / "more.yaml").write_text("kind: Pod\n"),
    "a role that is gone": lambda d: (d / "role.yaml").unlink(),
    "no database": lambda d: (d / "database.yaml").unlink(),
    "another account": lambda d: (d / "database.yaml").write_text(DATABASE.replace("111122223333", "999999999999")),
    "open to everybody": lambda d: (d / "role.yaml").chmod(0o666),
    "nothing": lambda d: [file.unlink() for file in d.iterdir()],
}


@pytest.mark.parametrize("broken", BROKEN)
async def test_a_change_that_cannot_be_taken_changes_nothing_and_is_told(
    following: Following, tmp_path: Path, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="keyward_proxy"):
        BROKEN[broken](tmp_path)
        await until(lambda: following.problems > 0)
        (warning,) = following.source.warnings()
        assert warning.reason == "ManifestsNotInForce"
        assert warning.message.startswith("the last policy stays in force, since ")
        assert len(following.given) == 1
        assert [r.message for r in caplog.records] == ["manifests not taken, the last policy stays in force"]
        write(tmp_path)
        (tmp_path / "role.yaml").chmod(0o644)
        (tmp_path / "more.yaml").unlink(missing_ok=True)
        write(tmp_path, role=MORE)
        await until(lambda: len(following.given) == 2)
    assert following.problems == 0
    assert following.source.warnings() == ()
    assert caplog.records[-1].message == "manifests are good again"


async def test_a_file_that_grows_is_not_read_before_it_rests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look finds the file longer than the one before; only the last state is ever read."""
    made = Following(write(tmp_path))
    texts = iter(f"{ROLE}# {'x' * n}\n" for n in range(6))
    read: list[int] = []
    looked = module._look

    def look(settings: PolicySettings) -> object:
        text = next(texts, None)
        if text is not None:
            (tmp_path / "role.yaml").write_text(text)
        return looked(settings)

    def load(*arguments: object) -> object:
        read.append((tmp_path / "role.yaml").stat().st_size)
        return made.source._policy

    monkeypatch.setattr(module, "SETTLE_SECONDS", 0.001)
    monkeypatch.setattr(module, "_look", look)
    monkeypatch.setattr(module, "load_policy", load)
    await made.source._follow()
    assert read == [len(ROLE) + 8]


async def test_what_changed_while_it_was_read_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Following(write(tmp_path))
    loads = module.load_policy
    seen: list[str] = []

    def load(*arguments: object) -> object:
        found = loads(*arguments)  # type: ignore[arg-type]
        if not seen:
            write(tmp_path, role=ROLE.replace("[Select]", "[Modify]"))
        seen.append(found.spec.revision)
        return found

    monkeypatch.setattr(module, "SETTLE_SECONDS", 0.02)
    monkeypatch.setattr(module, "load_policy", load)
    write(tmp_path, role=MORE)
    assert await made.source._follow()
    assert len(seen) == 2
    assert made.source._policy.spec.revision == seen[1]


async def test_a_signal_looks_at_once(following: Following, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 3600.0)
    following.source.look_now()
    await asyncio.sleep(0.6)
    write(tmp_path, role=MORE)
    following.source.look_now()
    await until(lambda: len(following.given) == 2)


def test_a_folder_that_is_wrong_at_the_start_is_no_source(tmp_path: Path) -> None:
    with pytest.raises(ManifestsError):
        Following(write(tmp_path, role=ROLE))
