"""What holds in every phase."""

from __future__ import annotations

import pytest

from keyward_proxy.session.events import Event
from tests.unit.proxy import frames
from tests.unit.proxy.session.script import READ_ORDERS, client, happens, logged_in, new_script, policy, tick


def test_the_first_event_starts_the_first_timer() -> None:
    assert new_script(policy(READ_ORDERS)).timer == 110.0


def test_the_timer_is_set_anew_only_where_it_changes() -> None:
    script = logged_in(READ_ORDERS)
    timer, script.timer = script.timer, -1.0
    script >> client(frames.options())
    assert script.timer == -1.0
    assert timer > script.now


def test_an_early_tick_only_sets_the_timer_again() -> None:
    script = new_script(policy(READ_ORDERS))
    script.now, script.timer = 109.999, -1.0
    script >> tick()
    script.done()
    assert script.timer == 110.0


def test_an_event_of_no_kind_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError, match="not an event of a session"):
        new_script(policy(READ_ORDERS)) >> happens(Event)
