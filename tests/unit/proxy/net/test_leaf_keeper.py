"""A valid leaf is always in hand, and a CA that cannot sign does not take it away."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyward_proxy.metrics import Metrics
from keyward_proxy.net.errors import CertificateAuthorityUnusable
from keyward_proxy.net.leaf_keeper import LeafKeeper
from tests.unit.proxy.support import TurnedClock

HOUR = 3600.0


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def keeper(authority_directory: Path, clock: TurnedClock, metrics: Metrics) -> LeafKeeper:
    return LeafKeeper(directory=authority_directory, names=["agent.test"], clock=clock, metrics=metrics)


def test_before_the_first_leaf_there_is_nothing_to_serve(keeper: LeafKeeper) -> None:
    assert not keeper.valid
    with pytest.raises(CertificateAuthorityUnusable):
        _ = keeper.context


def test_a_leaf_is_renewed_at_half_of_its_life_and_not_before(keeper: LeafKeeper, clock: TurnedClock) -> None:
    keeper.renew_if_due()
    first = keeper.context
    clock.turn(11.9 * HOUR)
    keeper.renew_if_due()
    assert keeper.context is first
    clock.turn(0.2 * HOUR)
    keeper.renew_if_due()
    assert keeper.context is not first


def test_a_ca_that_cannot_sign_leaves_the_present_leaf_until_it_ends(
    keeper: LeafKeeper, clock: TurnedClock, authority_directory: Path, metrics: Metrics
) -> None:
    keeper.renew()
    first = keeper.context
    (authority_directory / "tls.key").write_text("nothing")
    clock.turn(13 * HOUR)
    keeper.renew_if_due()
    assert keeper.context is first
    assert keeper.valid
    clock.turn(12 * HOUR)
    assert not keeper.valid
    assert metrics.leaf_expires._value.get() < clock.now


def test_the_first_leaf_must_succeed(keeper: LeafKeeper, authority_directory: Path) -> None:
    (authority_directory / "tls.crt").unlink()
    with pytest.raises(CertificateAuthorityUnusable, match=r"tls\.crt"):
        keeper.renew()
