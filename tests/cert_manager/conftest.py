"""cert-manager's own controllers beside the operator, against the API server of the operator's integration tests."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from local.cluster import golang
from local.runner import Log
from tests.integration.operator import installation, issuers
from tests.integration.operator.conftest import (
    control_plane,
    installed,
    namespace,
    new_operator,
    objects,
    programs,
    settings,
)
from tests.integration.operator.control_plane import ADMIN, ControlPlane
from tests.unit.operator.signers import Signer

__all__ = ["control_plane", "installed", "namespace", "new_operator", "objects", "programs", "settings"]


@pytest.fixture(scope="session")
def chart_objects(programs: tuple[Path, Path]) -> list[dict[str, Any]]:
    """With the rights that come with an issuer."""
    return installation.chart_objects(programs[1], certificateAuthorities={"issuerRef": {"name": "any"}})


@pytest.fixture(scope="session")
def root() -> Signer:
    """The organization's."""
    return Signer("root", now=datetime.now(UTC))


@pytest.fixture(scope="session", autouse=True)
def controllers(installed: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """cert-manager's kinds, namespace and controllers."""
    folder = tmp_path_factory.mktemp("cert-manager")
    log = Log("cert-manager", folder / "compile.log", sys.stderr)
    try:
        program = golang.cert_manager(log)
    finally:
        log.close()
    issuers.install(installed, "certificaterequests", "issuers", "clusterissuers")
    installed.kubectl("create", "namespace", "cert-manager")
    with (folder / "controllers.log").open("wb") as output:
        process = subprocess.Popen([program, installed.kubeconfig(ADMIN)], stdout=output, stderr=output)
    yield
    assert process.poll() is None, f"cert-manager ended: see {folder}/controllers.log"
    process.terminate()
    process.wait(timeout=30)
