"""In what order a cluster's pod network is replaced, and that it is replaced once."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.cluster import calico, felix, golang
from local.runner import Log

BRIDGE = '{"name": "keyward"}'
ROUTE = {"dst": "10.244.0.5", "dev": "cali1"}
POD = {"metadata": {"namespace": "d", "name": "p"}, "spec": {}, "status": {"phase": "Running", "podIP": "10.244.0.5"}}


class Cluster(Log):
    """A log whose programs do not run: it keeps what they were asked, and answers as a node and an API server would."""

    def __init__(self, path: Path, *, configuration: str, routes: list[dict[str, str]]) -> None:
        super().__init__("test", path, path.with_suffix(".screen").open("w"))
        self.asked: list[str] = []
        self.given: list[str] = []
        self._configuration, self._routes = configuration, routes

    def run(self, command: Any, *, stdin: str | None = None, **_: Any) -> str:
        """Keep the command."""
        text = " ".join(map(str, command))
        self.asked.append(text)
        self.given.append(stdin or "")
        if "ip -json route" in text:
            return json.dumps(self._routes)
        if "get pods" in text:
            return json.dumps({"items": [POD]})
        return self._configuration if ".conflist" in text and stdin is None else ""

    def close(self) -> None:
        """The screen as well."""
        super().close()
        self._screen.close()

    def position(self, part: str) -> int:
        """Of the first command with this text; -1 where there is none."""
        return next((number for number, command in enumerate(self.asked) if part in command), -1)


@pytest.fixture(autouse=True)
def built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What was compiled, and the module's manifests."""
    manifests = tmp_path / "module" / "manifests"
    manifests.mkdir(parents=True)
    kinds = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding")
    documents = [{"kind": kind, "metadata": {"name": felix.ACCOUNT}} for kind in kinds]
    (manifests / "calico-policy-only.yaml").write_text(yaml.safe_dump_all(documents))
    monkeypatch.setattr(golang, "module_folder", lambda path, module: tmp_path / "module")
    for name in ("tools", "calico_programs"):
        monkeypatch.setattr(golang, name, lambda log: tmp_path)
    monkeypatch.setattr(calico, "archive", lambda log: tmp_path / "image.tar")


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster as `up` makes it."""
    cluster = Cluster(tmp_path / "log", configuration=BRIDGE, routes=[ROUTE])
    yield cluster
    cluster.close()


@pytest.fixture
def replaced(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster in which it was done before."""
    cluster = Cluster(tmp_path / "log", configuration=felix.network_configuration(), routes=[ROUTE])
    yield cluster
    cluster.close()


@pytest.fixture
def unrouted(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster with a pod that kept the bridge's interface."""
    cluster = Cluster(tmp_path / "log", configuration=felix.network_configuration(), routes=[])
    yield cluster
    cluster.close()


def test_the_node_is_drained_before_its_network_is_another_and_takes_pods_after(
    bridge: Cluster, tmp_path: Path
) -> None:
    calico.install(bridge, tmp_path / "kubeconfig")
    steps = ("load image-archive", "rollout status daemonset", " drain ", "mv ", " uncordon ", "rollout status deploy")
    positions = [bridge.position(step) for step in steps]
    assert -1 not in positions, bridge.asked
    assert positions == sorted(positions), bridge.asked
    assert bridge.given[bridge.position("mv ")] == felix.network_configuration()


def test_a_second_time_no_pod_is_touched(replaced: Cluster, tmp_path: Path) -> None:
    calico.install(replaced, tmp_path / "kubeconfig")
    assert replaced.position(" drain ") == -1
    assert replaced.position("mv ") == -1
    assert replaced.position(" uncordon ") > 0, "where an earlier run was interrupted"


def test_a_pod_for_which_no_policy_counts_is_told(unrouted: Cluster, tmp_path: Path) -> None:
    with pytest.raises(calico.NotEnforced, match="d/p"):
        calico.install(unrouted, tmp_path / "kubeconfig")
