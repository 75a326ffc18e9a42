"""Two tenants, `victim` and `mallory`, each with `admin` in its own namespace; the operator with the chart's rights."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.operator.adversary.tenant import Tenant
from tests.integration.operator.conftest import Objects
from tests.integration.operator.control_plane import ControlPlane, RunningOperator
from tests.integration.operator.installation import SETTINGS
from tests.integration.operator.resources import ROLE_ARN

RESYNC = 2.0
"""Seconds: whatever a forged object leads to happens while a test looks."""

BOUNDS: dict[str, Any] = {"accounts": ["111122223333"], "regions": ["us-east-1"], "agentRoleARNs": [ROLE_ARN]}
"""What a careful platform permits: the rest of an entry has the shipped defaults."""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("settings") / "settings.yaml"
    path.write_text(yaml.safe_dump({**SETTINGS, "tenants": [BOUNDS]}))
    return path


@pytest.fixture(scope="module")
def operator(new_operator: Callable[..., RunningOperator]) -> RunningOperator:
    running = new_operator(resync_seconds=RESYNC)
    running.start()
    running.wait_until_ready()
    return running


@pytest.fixture(scope="module")
def new_tenant(installed: ControlPlane, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Tenant]]:
    """Makes tenants, named after the module."""
    made: list[Tenant] = []

    def make(name: str) -> Tenant:
        module = request.path.stem.removeprefix("test_").replace("_", "-")
        made.append(Tenant.create(installed, f"{name}-{module}"))
        return made[-1]

    yield make
    for tenant in made:
        tenant.remove()


@pytest.fixture(scope="module")
def mallory(new_tenant: Callable[[str], Tenant]) -> Tenant:
    return new_tenant("mallory")


@pytest.fixture(scope="module")
def victim(operator: RunningOperator, new_tenant: Callable[[str], Tenant], installed: ControlPlane) -> Tenant:
    """A tenant whose database `orders` is served."""
    tenant = new_tenant("victim")
    tenant.settle(Objects(installed))
    return tenant
