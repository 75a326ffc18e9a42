"""The agent's share of the requests that a database allows."""

from __future__ import annotations

import pytest

from keyward_proxy.session.budget import RequestBudget
from keyward_proxy.session.commands import PauseClient
from keyward_proxy.session.shared import Shared
from tests.unit.proxy import frames
from tests.unit.proxy.frames import query
from tests.unit.proxy.session.script import READ_ORDERS, audit, client, forward, logged_in, refused

SELECT = "SELECT id FROM orders.items"


def budget(rate: float | None) -> RequestBudget:
    made = RequestBudget()
    made.allow(rate, now=0.0)
    return made


def test_without_a_limit_nobody_waits() -> None:
    unlimited = budget(None)
    assert {unlimited.take(0.0) for _ in range(100_000)} == {0.0}


def test_a_second_s_worth_goes_at_once_and_then_clients_are_slowed_down() -> None:
    ten = budget(10)
    assert [ten.take(0.0) for _ in range(10)] == [0.0] * 10
    assert ten.take(0.0) == pytest.approx(0.1)
    assert ten.take(0.0) == pytest.approx(0.2)
    assert ten.take(0.3) == pytest.approx(0.0, abs=1e-9)


def test_who_obeys_is_never_refused() -> None:
    ten = budget(10)
    now = 0.0
    for _ in range(1000):
        pause = ten.take(now)
        assert pause is not None
        now += pause
    assert now == pytest.approx(99.0, rel=0.01)


def test_a_debt_of_more_than_two_seconds_is_refused_and_costs_nothing() -> None:
    ten = budget(10)
    assert sum(ten.take(0.0) is not None for _ in range(1000)) == 30
    assert ten.take(0.0) is None
    assert ten.take(0.1) is not None


def test_the_same_limit_again_gives_no_new_second() -> None:
    ten = budget(10)
    for _ in range(10):
        ten.take(0.0)
    ten.allow(10, now=0.0)
    assert ten.take(0.0) == pytest.approx(0.1)


def test_a_session_is_paused_for_what_it_owes() -> None:
    script = logged_in(READ_ORDERS, shared=Shared(budget=budget(2)))
    script >> client(*(query(SELECT, stream=stream) for stream in range(4)))
    for stream in range(4):
        script << forward(query(SELECT, stream=stream))
    [pause] = [command for command in script.others if isinstance(command, PauseClient)]
    assert pause.until == pytest.approx(script.now + 1.0)


def test_one_statement_too_many_is_refused_and_the_session_lives() -> None:
    script = logged_in(READ_ORDERS, shared=Shared(budget=budget(1)))
    script >> client(*(query(SELECT, stream=stream) for stream in range(4)))
    script << refused(0x1001, stream=3, says="limits.requestsPerSecond")
    script << audit("statement", outcome="denied", error_code="0x1001")
    assert len(script.to_upstream) == 3
    assert not script.session.over


def test_what_the_agent_answers_itself_and_what_it_refuses_costs_nothing() -> None:
    script = logged_in(READ_ORDERS, shared=Shared(budget=budget(1)))
    for _ in range(20):
        script >> client(query("SELECT * FROM system.local"), query("SELECT a FROM other.t"), frames.options())
    script.to_client.clear()
    script >> client(query(SELECT)) << forward(query(SELECT))
