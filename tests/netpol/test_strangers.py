"""A pod in the agents' namespace that is no agent has no traffic, which the chart's `keyward-deny-others` sees to."""

from collections.abc import Iterator

import pytest

from keyward_api.names import AGENTS_NAMESPACE, CQL_PORT
from tests.e2e.kube import Kubectl
from tests.e2e.surroundings import Surroundings
from tests.netpol.peers import OTHER_PORT, Peer, is_cut_off, reaches, start_listener
from tests.netpol.policies import removed

POLICY = "keyward-deny-others"
NAME = "netpol-stranger"


@pytest.fixture(scope="module")
def stranger(platform: Kubectl) -> Iterator[Peer]:
    """What somebody might have put there."""
    platform.delete("pod", NAME, AGENTS_NAMESPACE)
    yield start_listener(platform, AGENTS_NAMESPACE, NAME, OTHER_PORT)
    platform.delete("pod", NAME, AGENTS_NAMESPACE)


def test_it_reaches_nobody(surroundings: Surroundings, stranger: Peer, neighbour: Peer) -> None:
    ports = (OTHER_PORT, CQL_PORT)
    with removed(surroundings, POLICY, AGENTS_NAMESPACE):
        for port in ports:
            reaches(stranger, neighbour.address, port)
    for port in ports:
        is_cut_off(stranger, neighbour.address, port)


def test_nobody_reaches_it(surroundings: Surroundings, stranger: Peer, neighbour: Peer) -> None:
    with removed(surroundings, POLICY, AGENTS_NAMESPACE):
        reaches(neighbour, stranger.address, OTHER_PORT)
    is_cut_off(neighbour, stranger.address, OTHER_PORT)
