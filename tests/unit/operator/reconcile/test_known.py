from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from keyward_api.problems import Problem
from keyward_api.tenants import PlatformSettings
from keyward_operator.keys import DatabaseKey
from keyward_operator.plan.access.policies import DatabaseTold, PolicyState
from keyward_operator.plan.access.world import DatabaseAccess
from keyward_operator.reconcile.known import KnownAccess
from keyward_operator.reconcile.publisher import Publisher
from tests.unit.operator import builders

KEY, OTHER = DatabaseKey("payments", "orders"), DatabaseKey("payments", "stock")
NOW = datetime(2026, 11, 28, tzinfo=UTC)


SETTLED = PolicyState(wanted={}, change=None, is_published=True, is_leaving=False)
TOLD = DatabaseTold(status={}, is_new=False, is_turn=False, events=())


class Written:
    """How often each policy was written."""

    def __init__(self) -> None:
        self.count = 0

    def writes(self, _: DatabaseKey) -> int:
        return self.count


class Platform:
    """Settings as they are read again."""

    def __init__(self) -> None:
        self.settings = builders.settings()

    def __call__(self) -> PlatformSettings:
        return self.settings


def access(next_end: datetime | None = None) -> DatabaseAccess:
    return DatabaseAccess(
        labels={}, is_served=True, grants={"app": 1}, locks=frozenset(), problems=(), next_end=next_end
    )


def keep(
    known: KnownAccess,
    found: DatabaseAccess | None = None,
    *,
    key: DatabaseKey = KEY,
    state: PolicyState = SETTLED,
    told: DatabaseTold = TOLD,
) -> None:
    known.keep(key, known.basis(key, 1), found or access(), state=state, told=told)


def made() -> tuple[KnownAccess, Written, Platform]:
    written, platform = Written(), Platform()
    return KnownAccess(cast(Publisher, written), settings=platform), written, platform


def test_what_was_kept_is_known_on_the_same_basis_alone() -> None:
    known, written, _ = made()
    assert known.recall(KEY, known.basis(KEY, 1), NOW) is None
    keep(known)
    assert known.recall(KEY, known.basis(KEY, 1), NOW) == access()
    assert known.recall(KEY, known.basis(KEY, 2), NOW) is None, "something of it was changed"
    assert known.recall(OTHER, known.basis(OTHER, 1), NOW) is None
    written.count += 1
    assert known.recall(KEY, known.basis(KEY, 1), NOW) is None, "its policy was written"


def test_what_ends_is_looked_at_when_it_ends() -> None:
    known, _, _ = made()
    end = NOW + timedelta(seconds=10)
    keep(known, access(next_end=end))
    assert known.recall(KEY, known.basis(KEY, 1), end - timedelta(microseconds=1))
    assert known.recall(KEY, known.basis(KEY, 1), end) is None


def test_what_was_found_by_other_settings_is_not_known() -> None:
    known, _, platform = made()
    then = known.basis(KEY, 1)
    keep(known)
    platform.settings = builders.settings()
    assert known.recall(KEY, known.basis(KEY, 1), NOW) is None
    known.keep(KEY, then, access(), state=SETTLED, told=TOLD)
    assert known.recall(KEY, known.basis(KEY, 1), NOW) is None, "it was found by the old ones, and kept later"
    keep(known)
    assert known.recall(KEY, known.basis(KEY, 1), NOW)


def test_what_is_gone_or_found_otherwise_is_forgotten() -> None:
    known, _, _ = made()
    for key in (KEY, OTHER):
        keep(known, key=key)
    known.keep_only("payments", {"orders"})
    assert known.recall(OTHER, known.basis(OTHER, 1), NOW) is None
    assert known.recall(KEY, known.basis(KEY, 1), NOW)
    known.forget("payments")
    assert known.recall(KEY, known.basis(KEY, 1), NOW) is None


@pytest.mark.parametrize(
    ("found", "state", "told"),
    [
        (access(), replace(SETTLED, is_published=False), TOLD),
        (access(), replace(SETTLED, wanted=None), TOLD),
        (access(), replace(SETTLED, is_leaving=True), TOLD),
        (access(), SETTLED, replace(TOLD, is_new=True)),
        (access(), SETTLED, replace(TOLD, is_turn=True)),
        (replace(access(), problems=(Problem(reason="RoleNotFound", message="create it"),)), SETTLED, TOLD),
    ],
    ids=["to be written", "waits", "leaves", "to be told", "turns", "problems"],
)
def test_what_is_not_as_it_shall_be_is_looked_at_again(
    found: DatabaseAccess, state: PolicyState, told: DatabaseTold
) -> None:
    known, _, _ = made()
    keep(known)
    keep(known, found, state=state, told=told)
    assert known.recall(KEY, known.basis(KEY, 1), NOW) is None
