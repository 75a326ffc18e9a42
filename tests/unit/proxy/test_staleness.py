"""How old a policy is, and what follows from it, by a clock that the test turns."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyward_api.resources.policy import PolicyDatabase
from keyward_proxy.metrics import Metrics
from keyward_proxy.session.staleness import Staleness
from keyward_proxy.staleness import PolicyAge
from tests.unit.proxy.support import TurnedClock, policy_document


def database(on_stale: str = "RefuseNew", seconds: int = 30) -> PolicyDatabase:
    staleness = {"maxStalenessSeconds": seconds, "onStale": on_stale}
    return PolicyDatabase.model_validate(policy_document()["database"] | {"staleness": staleness})


class Judged:
    """A policy's age under a clock, and what came of it."""

    def __init__(self) -> None:
        self.clock = TurnedClock(now=1000.0)
        self.metrics = Metrics()
        self.state = Staleness()
        self.closed: list[str] = []
        self.age = PolicyAge(
            clock=self.clock, metrics=self.metrics, state=self.state, close=lambda message: self.closed.append(message)
        )

    def after(self, seconds: float, on: PolicyDatabase | None = None) -> bool:
        """Whether logins are refused then."""
        self.clock.turn(seconds)
        self.age.judge(on or database())
        return self.state.refusal is not None

    def metric(self, name: str) -> Any:
        return self.metrics.registry.get_sample_value(name)


@pytest.fixture
def judged() -> Judged:
    return Judged()


def test_a_policy_is_current_as_long_as_both_prove_it(judged: Judged) -> None:
    for _ in range(100):
        judged.age.policy_is_current()
        judged.age.operator_worked(0.0)
        assert not judged.after(29)
    assert judged.metric("keyward_policy_age_seconds") == 29
    assert judged.metric("keyward_policy_stale") == 0


def test_without_either_proof_it_is_stale_and_the_next_one_ends_that(judged: Judged) -> None:
    assert not judged.after(30)
    judged.age.policy_is_current()
    assert judged.after(1)
    assert judged.metric("keyward_policy_age_seconds") == 31
    assert judged.metric("keyward_policy_stale") == 1
    assert "has heard nothing from Keyward's operator for more than 30 s" in str(judged.state.refusal)
    judged.age.operator_worked(0.0)
    assert not judged.after(0)
    assert judged.metric("keyward_policy_stale") == 0
    assert judged.age.warnings() == []
    assert judged.after(31)
    judged.age.operator_worked(0.0)
    assert judged.after(0)
    assert "has heard nothing from the API server for more than 30 s" in str(judged.state.refusal)


def test_an_agent_that_starts_while_the_operator_is_away_believes_the_lease(judged: Judged) -> None:
    judged.age.policy_is_current()
    judged.age.operator_worked(20.0)
    assert not judged.after(10)
    judged.age.policy_is_current()
    assert judged.after(1)


def test_live_sessions_go_on_unless_the_database_asks_otherwise(judged: Judged) -> None:
    assert judged.after(31)
    assert judged.closed == []
    assert [warning.reason for warning in judged.age.warnings()] == ["PolicyStale"]
    closing = database("CloseAll")
    assert judged.after(1, closing)
    assert judged.after(1, closing)
    assert judged.closed == [judged.state.refusal], "once"
    judged.age.policy_is_current()
    judged.age.operator_worked(0.0)
    assert not judged.after(1, closing)
    assert judged.after(31, closing)
    assert len(judged.closed) == 2


def test_how_old_is_too_old_is_the_database_s_matter(judged: Judged) -> None:
    assert judged.after(31)
    assert not judged.after(0, database(seconds=32))
    assert judged.after(2, database(seconds=32))


@given(st.lists(st.tuples(st.sampled_from(["policy", "operator", "both", "neither"]), st.floats(0, 40)), max_size=40))
def test_logins_are_refused_exactly_while_the_older_proof_is_too_old(steps: list[tuple[str, float]]) -> None:
    judged = Judged()
    proofs = {"policy": 1000.0, "operator": 1000.0}
    for which, seconds in steps:
        if which in ("policy", "both"):
            judged.age.policy_is_current()
            proofs["policy"] = judged.clock.now
        if which in ("operator", "both"):
            judged.age.operator_worked(0.0)
            proofs["operator"] = judged.clock.now
        assert judged.after(seconds, database("CloseAll")) is (judged.clock.now - min(proofs.values()) > 30)
