from datetime import UTC, datetime, timedelta
from typing import cast

from keyward_api.tenants import PlatformSettings
from keyward_operator.keys import DatabaseKey
from keyward_operator.plan.access.world import DatabaseAccess
from keyward_operator.reconcile.known import KnownAccess
from keyward_operator.reconcile.publisher import Publisher
from tests.unit.operator import builders

KEY, OTHER = DatabaseKey("payments", "orders"), DatabaseKey("payments", "stock")
NOW = datetime(2026, 11, 28, tzinfo=UTC)


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


def made() -> tuple[KnownAccess, Written, Platform]:
    written, platform = Written(), Platform()
    return KnownAccess(cast(Publisher, written), settings=platform), written, platform


def test_what_was_kept_is_known_on_the_same_basis_alone() -> None:
    known, written, _ = made()
    assert known.recall(KEY, known.basis(KEY, 1), NOW) is None
    known.keep(KEY, known.basis(KEY, 1), access())
    assert known.recall(KEY, known.basis(KEY, 1), NOW) == access()
    assert known.recall(KEY, known.basis(KEY, 2), NOW) is None, "something of it was changed"
    assert known.recall(OTHER, known.basis(OTHER, 1), NOW) is None
    written.count += 1
    assert known.recall(KEY, known.basis(KEY, 1), NOW) is None, "its policy was written"


def test_what_ends_is_looked_at_when_it_ends() -> None:
    known, _, _ = made()
    end = NOW + timedelta(seconds=10)
    known.keep(KEY, known.basis(KEY, 1), access(next_end=end))
    assert known.recall(KEY, known.basis(KEY, 1), end - timedelta(microseconds=1))
    assert known.recall(KEY, known.basis(KEY, 1), end) is None


def test_other_settings_make_everything_unknown() -> None:
    known, _, platform = made()
    known.keep(KEY, known.basis(KEY, 1), access())
    platform.settings = builders.settings()
    assert known.recall(KEY, known.basis(KEY, 1), NOW) is None
    known.keep(KEY, known.basis(KEY, 1), access())
    assert known.recall(KEY, known.basis(KEY, 1), NOW)


def test_what_is_gone_or_found_otherwise_is_forgotten() -> None:
    known, _, _ = made()
    for key in (KEY, OTHER):
        known.keep(key, known.basis(key, 1), access())
    known.keep_only("payments", {"orders"})
    assert known.recall(OTHER, known.basis(OTHER, 1), NOW) is None
    assert known.recall(KEY, known.basis(KEY, 1), NOW)
    known.forget("payments")
    assert known.recall(KEY, known.basis(KEY, 1), NOW) is None
