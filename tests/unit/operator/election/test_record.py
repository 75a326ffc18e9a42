from datetime import UTC, datetime

import pytest

from keyward_operator.election.record import Record, released, taken_by

NOW = datetime(2026, 11, 23, 12, 0, 0, 5, tzinfo=UTC)


def test_a_record_survives_its_lease() -> None:
    record = taken_by("a", previous=None, duration=15, now=NOW)
    assert Record.of({"spec": record.to_spec()}) == record
    assert record.renewed == "2026-11-23T12:00:00.000005Z"


def test_only_another_holder_is_a_transition() -> None:
    first = taken_by("a", previous=None, duration=15, now=NOW)
    renewed = taken_by("a", previous=first, duration=15, now=NOW.replace(minute=1))
    assert (renewed.transitions, renewed.acquired) == (0, first.acquired)
    other = taken_by("b", previous=renewed, duration=15, now=NOW.replace(minute=2))
    assert (other.transitions, other.acquired) == (1, other.renewed)


@pytest.mark.parametrize("lease", [{}, {"spec": {}}, {"spec": {"holderIdentity": None}}])
def test_an_empty_lease_is_nobodys(lease: dict[str, object]) -> None:
    assert Record.of(lease).holder == ""


def test_a_released_record_is_nobodys() -> None:
    record = released(taken_by("a", previous=None, duration=15, now=NOW), now=NOW)
    assert (record.holder, record.duration) == ("", 1)
