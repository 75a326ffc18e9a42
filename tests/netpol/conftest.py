"""The cluster with NetworkPolicies enforced, Keyward installed in it, and a tenant for each test module."""

from collections.abc import Iterator

import pytest

from keyward_api.names import CQL_PORT
from tests.e2e.conftest import installed, pytest_runtest_makereport, surroundings, tables
from tests.e2e.kube import Kubectl
from tests.e2e.surroundings import Surroundings
from tests.e2e.tenants import Tenant
from tests.netpol.peers import OTHER_PORT, Peer, start_listener

__all__ = ["installed", "pytest_runtest_makereport", "surroundings", "tables"]


@pytest.fixture(scope="session")
def platform(installed: Kubectl) -> Kubectl:
    """The cluster's administrator."""
    return installed


@pytest.fixture(scope="module")
def tenant(
    surroundings: Surroundings, platform: Kubectl, tables: None, request: pytest.FixtureRequest
) -> Iterator[Tenant]:
    """A namespace named after the test module."""
    with Tenant.of_module(surroundings, platform, request.path, prefix="netpol") as tenant:
        yield tenant


@pytest.fixture(scope="module")
def neighbour(tenant: Tenant) -> Peer:
    """A pod of the tenant's that answers at Keyspaces' port and at another one."""
    return start_listener(tenant.kube, tenant.namespace, "neighbour", OTHER_PORT, CQL_PORT)
