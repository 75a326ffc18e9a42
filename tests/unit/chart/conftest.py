"""The chart as helm renders it: real helm, the machine's own or the one that the local cluster is made with."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.cluster import golang
from local.runner import Log

CHART = Path(__file__).parents[3] / "charts/keyward"
Manifests = list[dict[str, Any]]
Render = Callable[..., Manifests]


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The program; compiled where neither the machine nor the cache has it."""
    if found := shutil.which("helm"):
        return found
    log = Log("helm", tmp_path_factory.mktemp("logs") / "helm.log", sys.stderr)
    try:
        return str(golang.tools(log) / "helm")
    finally:
        log.close()


@pytest.fixture(scope="session")
def template(helm: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `helm template` with a mapping as the values file."""

    def run(values: dict[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
        file = tmp_path_factory.mktemp("values") / "values.yaml"
        file.write_text(yaml.safe_dump(values or {}))
        command = [helm, "template", "keyward", CHART, "--namespace", "keyward-system", "--values", file]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="session")
def render(template: Callable[..., subprocess.CompletedProcess[str]]) -> Render:
    """Render the chart, which must succeed, to its objects."""

    def run(values: dict[str, Any] | None = None) -> Manifests:
        result = template(values)
        assert result.returncode == 0, result.stderr
        return [document for document in yaml.safe_load_all(result.stdout) if document]

    return run
