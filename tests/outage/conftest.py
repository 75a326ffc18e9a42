"""The cluster with Keyward installed in it, and a tenant for each test module."""

from collections.abc import Iterator

import pytest

from tests.e2e.conftest import installed, pytest_runtest_makereport, surroundings, tables
from tests.e2e.kube import Kubectl
from tests.e2e.surroundings import Surroundings
from tests.e2e.tenants import Tenant

__all__ = ["installed", "pytest_runtest_makereport", "surroundings", "tables"]


@pytest.fixture(scope="module")
def tenant(
    surroundings: Surroundings, installed: Kubectl, tables: None, request: pytest.FixtureRequest
) -> Iterator[Tenant]:
    """A namespace named after the test module."""
    with Tenant.of_module(surroundings, installed, request.path, prefix="outage") as tenant:
        yield tenant
