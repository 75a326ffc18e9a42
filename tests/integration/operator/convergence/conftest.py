from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from keyward_operator.clients import connection
from keyward_operator.clients.connection import Connection
from keyward_operator.clients.kubernetes_api import KubernetesApi
from tests.integration.operator import installation
from tests.integration.operator.control_plane import ADMIN, OPERATOR, ControlPlane


@pytest.fixture(scope="package")
def installed(
    programs: tuple[Path, Path], chart_objects: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ControlPlane]:
    """Without controllers nothing changes but by people and by us."""
    kubernetes, tools = programs
    folder = tmp_path_factory.mktemp("converging")
    plane = ControlPlane(kubernetes=kubernetes, etcd=tools / "server", folder=folder, has_controllers=False)
    try:
        plane.start()
        # Without admission policies, which would keep people from what is tried here.
        installation.install(plane, [each for each in chart_objects if "AdmissionPolicy" not in each["kind"]])
        yield plane
    finally:
        plane.stop()


@pytest.fixture
async def people(installed: ControlPlane) -> AsyncIterator[KubernetesApi]:
    async with KubernetesApi(await connection.load(installed.kubeconfig(ADMIN)), field_manager="people") as api:
        yield api


@pytest.fixture
async def own(installed: ControlPlane) -> Connection:
    """With the operator's rights."""
    return await connection.load(installed.kubeconfig(OPERATOR))
