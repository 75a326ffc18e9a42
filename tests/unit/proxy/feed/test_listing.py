"""How long a new agent waits for the others to know of it."""

from __future__ import annotations

from keyward_proxy.feed.listing import Listing
from tests.unit.proxy.support import TurnedClock


def test_an_agent_that_is_listed_waits_no_longer() -> None:
    listing = Listing(clock=TurnedClock(), patience=30.0)
    assert not listing.is_over(listed=False)
    assert listing.is_over(listed=True)


def test_an_agent_that_was_listed_once_stays_ready() -> None:
    listing = Listing(clock=TurnedClock(), patience=30.0)
    listing.is_over(listed=True)
    assert listing.is_over(listed=False)


def test_an_agent_that_cannot_report_is_ready_after_a_while() -> None:
    clock = TurnedClock()
    clock.turn(1000.0)
    listing = Listing(clock=clock, patience=30.0)
    assert not listing.is_over(listed=False)
    clock.turn(29.0)
    assert not listing.is_over(listed=False)
    clock.turn(1.0)
    assert listing.is_over(listed=False)
