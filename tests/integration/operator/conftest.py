import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from keyward_api import names
from keyward_api.canonical import content_hash
from tests.integration.operator import installation
from tests.integration.operator.control_plane import ControlPlane, RunningOperator, eventually


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Folders with Kubernetes' programs and with etcd and helm."""
    return installation.programs(tmp_path_factory.mktemp("logs") / "programs.log")


@pytest.fixture(scope="session")
def control_plane(programs: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    kubernetes, tools = programs
    plane = ControlPlane(kubernetes=kubernetes, etcd=tools / "server", folder=tmp_path_factory.mktemp("control-plane"))
    try:
        plane.start()
        yield plane
    finally:
        plane.stop()


@pytest.fixture(scope="session")
def chart_objects(programs: tuple[Path, Path]) -> list[dict[str, Any]]:
    return installation.chart_objects(programs[1])


@pytest.fixture(scope="session")
def installed(control_plane: ControlPlane, chart_objects: list[dict[str, Any]]) -> ControlPlane:
    """A control plane with the CRDs, the namespaces, rights and admission policies, but no operator."""
    installation.install(control_plane, chart_objects)
    return control_plane


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("settings") / "settings.yaml"
    path.write_text(yaml.safe_dump(installation.SETTINGS))
    return path


@pytest.fixture(scope="module")
def new_operator(
    installed: ControlPlane, settings: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., RunningOperator]]:
    """Makes operators, and ends them with the module."""
    with operators(installed, settings, tmp_path_factory) as make:
        yield make


@contextmanager
def operators(
    installed: ControlPlane, settings: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., RunningOperator]]:
    """Makes operators, and ends with the block those that run."""
    made: list[RunningOperator] = []

    def make(**options: Any) -> RunningOperator:
        log = tmp_path_factory.mktemp("operator") / "operator.log"
        made.append(RunningOperator(control_plane=installed, settings=settings, log=log, **options))
        return made[-1]

    yield make
    running = [operator for operator in made if operator.runs()]
    ends = [operator.stop() for operator in running]
    assert not any(ends), f"{ends}: see {[str(operator.log) for operator in running]}"


@pytest.fixture
def namespace(installed: ControlPlane, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the test's own. What it holds goes with it, even where no operator runs to let it go."""
    test, _, parameters = request.node.name.replace("_", "-").lower().rstrip("]").partition("[")
    name = f"{test[:40]}-{content_hash(parameters, length=8)}" if parameters else test[:50].rstrip("-")
    installed.kubectl("create", "namespace", name)
    yield name
    held = "keyspacesdatabases,keyspacesiamroles"
    installed.kubectl("delete", held, "--all", "-n", name, "--wait=false")
    for resource in installed.kubectl("get", held, "-n", name, "-o", "name").split():
        released = '{"metadata": {"finalizers": null}}'
        installed.kubectl("patch", resource, "-n", name, "--type=merge", "-p", released, check=False)
    installed.kubectl("delete", "namespace", name, "--wait=false")


class Objects:
    """Reads objects, and writes them by kubectl."""

    def __init__(self, control_plane: ControlPlane) -> None:
        self._kubectl = control_plane.kubectl
        self._reader = control_plane.reader

    def get(self, kind: str, name: str, namespace: str) -> dict[str, Any] | None:
        return self._reader.find(kind, name, namespace)

    def wait(
        self, kind: str, name: str, namespace: str, *, until: Callable[[dict[str, Any]], object] = bool, what: str = ""
    ) -> dict[str, Any]:
        """Wait until the object exists and `until` holds."""

        def met() -> dict[str, Any] | None:
            found = self.get(kind, name, namespace)
            return found if found is not None and until(found) else None

        found = eventually(met, what=what or f"{kind} {namespace}/{name}")
        assert isinstance(found, dict)
        return found

    def wait_gone(self, kind: str, name: str, namespace: str) -> None:
        eventually(lambda: self.get(kind, name, namespace) is None, what=f"{kind} {namespace}/{name} is gone")

    def apply(self, *documents: dict[str, Any]) -> None:
        self._kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(documents))

    def report(self, policy: str, **report: Any) -> None:
        """Write an entry of `status.agents` as the agent whose pod it names."""
        who = f"system:serviceaccount:{names.AGENTS_NAMESPACE}:{policy}"
        pod = f"authentication.kubernetes.io/pod-name={report['pod']}"
        document = {
            "apiVersion": names.API_VERSION,
            "kind": "KeyspacesPolicy",
            "metadata": {"name": policy, "namespace": names.AGENTS_NAMESPACE},
            "status": {"agents": [report]},
        }
        self._kubectl(
            "apply", "--server-side", "--subresource=status", f"--field-manager=agent-{report['pod']}",
            f"--as={who}", f"--as-user-extra={pod}", "-f", "-", stdin=json.dumps(document),
        )  # fmt: skip


@pytest.fixture
def objects(installed: ControlPlane) -> Objects:
    return Objects(installed)
