"""When sessions end by themselves."""

from __future__ import annotations

from keyward_proxy.session.events import PolicyChanged
from tests.unit.proxy import frames
from tests.unit.proxy.frames import query
from tests.unit.proxy.session.script import (
    EPOCH,
    READ_ORDERS,
    Script,
    audit,
    client,
    closed,
    happens,
    logged_in,
    policy,
    quiet,
    upstream,
)

SELECT = "SELECT id FROM orders.items"


def answered(script: Script, *, stream: int = 1) -> None:
    """One statement, and its answer."""
    script >> client(query(SELECT, stream=stream)) >> upstream(frames.void(stream=stream))
    script.to_client.clear()
    script.to_upstream.clear()
    script.audits.clear()


def test_a_session_lasts_as_long_as_its_roles_allow() -> None:
    script = logged_in(READ_ORDERS, options={"maxSessionSeconds": 600})
    script.wait(539) << quiet()
    script.wait(2) << audit("session.end", reason="Expired") << closed()


def test_a_session_lasts_half_a_day_where_nothing_else_ends_it() -> None:
    script = logged_in(READ_ORDERS, expires=EPOCH + 10_000_000)
    script.wait(43_200 - 61) << quiet()
    script.wait(2) << audit("session.end", reason="Expired") << closed()


def test_a_session_that_nobody_uses_ends() -> None:
    script = logged_in(READ_ORDERS, options={"idleTimeoutSeconds": 60})
    script.wait(59.9) << quiet()
    script.wait(0.2) << audit("session.end", reason="IdleTimeout") << closed()


def test_heartbeats_are_no_use() -> None:
    script = logged_in(READ_ORDERS, options={"idleTimeoutSeconds": 60})
    for _ in range(3):
        script.wait(19)
        script >> client(frames.options(stream=3))
        script.to_client.clear()
    script.wait(4) << audit("session.end", reason="IdleTimeout") << closed()


def test_statements_are_use_and_set_no_timer_each() -> None:
    script = logged_in(READ_ORDERS, options={"idleTimeoutSeconds": 60})
    timer = script.timer
    script.wait(50)
    answered(script)
    assert script.timer == timer
    script.wait(59) << quiet()
    script.wait(2) << audit("session.end", reason="IdleTimeout") << closed()


def test_a_statement_under_way_is_use_however_long_it_takes() -> None:
    script = logged_in(READ_ORDERS, options={"idleTimeoutSeconds": 60})
    script >> client(query(SELECT, stream=1))
    script.wait(200)
    assert not script.session.over
    script >> upstream(frames.void(stream=1))
    script.audits.clear()
    script.wait(59)
    assert not script.session.over
    script.wait(62)
    assert script.session.over


def test_without_a_timeout_an_idle_session_stays() -> None:
    script = logged_in(READ_ORDERS)
    script.wait(3000) << quiet()


def test_another_policy_of_the_same_grant_brings_its_own_frame_limit() -> None:
    script = logged_in(READ_ORDERS)
    small = policy(READ_ORDERS, revision="r2", limits={"maxFrameBytes": 65536})
    script >> happens(PolicyChanged, policy=small)
    script >> client(query("SELECT id FROM orders.items WHERE a = '" + "x" * 70_000 + "'", stream=1))
    assert script.session.over
    assert "the limit here is 65536" in script.to_client[0].message.message
