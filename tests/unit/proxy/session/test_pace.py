"""When a statement is least likely to be on its way."""

from __future__ import annotations

import random

import pytest

from keyward_proxy.session.pace import LONGEST_HOLD_SECONDS, Pace

LATENCY = 0.001


def after(gaps: list[float], *, latency: float = LATENCY, calm: bool = False) -> float | None:
    """What is asked for behind the answer to the last of these statements, each `gap` after the one before."""
    pace, now = Pace(), 100.0
    pace.statement(now=now, lull=1.0)
    for gap in gaps:
        now += gap
        pace.statement(now=now, lull=gap - latency if gap > latency else None)
    return pace.hold(now=now + latency, calm=calm)


@pytest.mark.parametrize("gap", [0.003, 0.005, 0.04, 0.5])
def test_at_a_steady_pace_the_answer_itself_is_the_best_moment(gap: float) -> None:
    drawn = random.Random(1)  # noqa: S311
    assert after([gap * drawn.uniform(0.8, 1.2) for _ in range(100)]) == 0
    assert after([gap * drawn.choice([1, 1, 2, 3]) for _ in range(100)]) == 0


def test_calm_is_a_pace_without_a_flaw_and_an_answer_at_once() -> None:
    assert after([0.005] * 100, calm=True) == 0
    assert after([0.005] * 100, calm=True, latency=0.002) is None
    for flaw in (0.003, 0.007):
        assert after([*[0.005] * 100, flaw, *[0.005] * 8], calm=True) is None
        assert after([*[0.005] * 100, flaw, *[0.005] * 10], calm=True) == 0


def test_a_pace_may_be_spread_over_connections_at_random() -> None:
    drawn = random.Random(5)  # noqa: S311
    gaps = [0.03 * drawn.choice([1, 1, 2, 3]) + drawn.uniform(-0.001, 0.001) for _ in range(100)]
    assert after(gaps, calm=True) == 0
    assert after([*gaps, 0.045, *gaps[:8]], calm=True) is None


@pytest.mark.parametrize(
    "last",
    [
        pytest.param([0.06], id="held up for a while"),
        pytest.param([0.06, 0.0001, 0.0001, 0.0001], id="and catching up"),
        pytest.param([0.005, 0.0001], id="two at once"),
    ],
)
def test_a_client_that_is_held_up_is_left_alone(last: list[float]) -> None:
    drawn = random.Random(2)  # noqa: S311
    steady = [0.005 * drawn.uniform(0.8, 1.2) for _ in range(100)]
    assert after([*steady, *last]) is None
    assert after([*steady, *last, *steady[:10]]) == 0


def test_an_answer_that_came_late_is_not_the_last() -> None:
    assert after([0.005] * 100, latency=0.004) is None
    assert after([0.005] * 100, latency=0.002) == 0


@pytest.mark.parametrize("pause", [0.05, 0.2, 3.0])
def test_in_bursts_it_is_the_end_of_one(pause: float) -> None:
    drawn = random.Random(3)  # noqa: S311
    bursts = [drawn.uniform(0.0011, 0.003) if number % 5 else pause for number in range(100)]
    hold = after(bursts)
    assert hold is not None
    assert 0.001 < hold < 0.005


def test_where_nothing_is_foreseeable_no_moment_is_good() -> None:
    drawn = random.Random(4)  # noqa: S311
    assert after([drawn.expovariate(200) + 2 * LATENCY for _ in range(200)], latency=LATENCY * 1.9) is None
    assert after([LATENCY * 1.1] * 200) is None


def test_few_statements_tell_of_no_pace() -> None:
    assert Pace().hold(now=1.0, calm=True) == 0
    assert after([0.02] * 3) is None


def test_no_answer_is_held_back_for_long() -> None:
    bursts = [0.15 if number % 5 else 3.0 for number in range(100)]
    assert after(bursts, latency=0.15 - LONGEST_HOLD_SECONDS - 0.01) is None
    assert after(bursts, latency=0.15 - LONGEST_HOLD_SECONDS + 0.01) == pytest.approx(LONGEST_HOLD_SECONDS - 0.009)
