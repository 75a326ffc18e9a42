"""The operator behind the chart's policy: it is read at its health port, and connects to the API server."""

import pytest

from keyward_api.names import CQL_PORT, SYSTEM_NAMESPACE
from local import install
from tests.e2e import operator
from tests.e2e.kube import Kubectl
from tests.e2e.surroundings import Surroundings
from tests.netpol.peers import OTHER_PORT, Peer, is_cut_off, reaches
from tests.netpol.policies import removed

HEALTH_PORT = 8080


@pytest.fixture(scope="module")
def one(platform: Kubectl) -> Peer:
    """An operator that runs."""
    operator.wait_until_ready(platform)
    running = [pod for pod in operator.pods(platform) if "deletionTimestamp" not in pod["metadata"]]
    return Peer.of(platform, running[0])


def test_it_reaches_the_api_server_by_name_and_no_other_port(
    surroundings: Surroundings, one: Peer, neighbour: Peer
) -> None:
    ports = (OTHER_PORT, CQL_PORT)
    with removed(surroundings, operator.NAME, SYSTEM_NAMESPACE):
        for port in ports:
            reaches(one, neighbour.address, port)
    for port in ports:
        is_cut_off(one, neighbour.address, port)
    reaches(one, "kubernetes.default.svc", 443, "tls")


def test_nobody_gets_in_at_another_port_than_that_of_health(
    surroundings: Surroundings, one: Peer, neighbour: Peer
) -> None:
    with one.listening(OTHER_PORT):
        with removed(surroundings, operator.NAME, SYSTEM_NAMESPACE):
            reaches(neighbour, one.address, OTHER_PORT)
        is_cut_off(neighbour, one.address, OTHER_PORT)
    reaches(neighbour, one.address, HEALTH_PORT)


def test_helm_test_passes(surroundings: Surroundings, one: Peer) -> None:
    install.run_tests(helm=surroundings.programs / "helm", kubeconfig=surroundings.kubeconfig)
