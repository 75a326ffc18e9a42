"""The chart as helm renders it: real helm, the machine's own or the one that the local cluster is made with."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from local.chart import helm as chart
from local.generate import PROJECT

VALUES = PROJECT / "tests/unit/chart/values"
Values = dict[str, Any]
Manifests = list[dict[str, Any]]
Render = Callable[..., Manifests]
Template = Callable[..., subprocess.CompletedProcess[str]]


def values(name: str) -> Values:
    """One of the values files."""
    return yaml.safe_load((VALUES / f"{name}.yaml").read_text()) or {}


@pytest.fixture(scope="session")
def helm() -> str:
    """The program; compiled where neither the machine nor the cache has it."""
    return chart.program()


@pytest.fixture(scope="session")
def template(helm: str) -> Template:
    """Run `helm template` with these values."""

    def run(values: Values | None = None) -> subprocess.CompletedProcess[str]:
        return chart.template(helm, values or {})

    return run


@pytest.fixture(scope="session")
def render(template: Template) -> Render:
    """Render the chart, which must succeed, to its objects; each set of values once."""
    rendered: dict[str, str] = {}

    def run(values: Values | None = None) -> Manifests:
        key = json.dumps(values)
        if key not in rendered:
            result = template(values)
            assert result.returncode == 0, result.stderr
            rendered[key] = result.stdout
        return [document for document in yaml.safe_load_all(rendered[key]) if document]

    return run
