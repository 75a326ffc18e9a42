"""What docs/threat-model.md names is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs/threat-model.md").read_text()
ROWS = [line for line in DOCUMENT.splitlines() if line.startswith("| ") and not line.startswith(("| threat |", "|---"))]

KINDS = (
    "header announces more",
    "Frames that are split",
    "statement that is read one way",
    "USE, pipelined",
    "prepared id of another session",
    "statement inside a batch",
    "Tracing",
    "compression",
    "sends nonsense",
    "poses as Keyspaces",
    "Old TLS",
    "Data in front of the handshake",
    "connections that say nothing",
    "Thousands of sessions",
    "never reads",
    "take the processor",
    "fill the memory",
    "serves another",
    "breaks out of a tag",
    "STARTUP options",
    "health and metrics",
    "Tokens of another database",
    "Certificates of another CA",
    "grant that ended",
    "Tokens, keys, literals",
    "forged lines",
    "without a record",
    "agent's memory",
    # Of tenants.
    "writes status or policies",
    "reaches agents: their pods",
    "takes the operator over has the cluster",
    "rewrites ConfigMaps or Services",
    "holds a credential for data",
    "forges objects",
    "Finalizers",
    "run together",
    "names what is another tenant's",
    "Confused deputy",
    "more than the platform permits",
    "changes what runs in agents",
    "Tokens of one tenant",
    "pose as another's",
    "moves the terminal",
    "so many or so large",
    "keeps a revocation",
    "admission webhook",
    "pod of another tenant",
)
"""What attackers of such a proxy and its operator try, in words of the table."""

PACKAGES = ("proxy/keyward_proxy", "operator/keyward_operator", "charts/keyward/templates")
"""Where the files are that the table names."""


@cache
def functions(path: Path) -> frozenset[str]:
    """Names of a module's functions."""
    tree = ast.parse(path.read_text())
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:40])
def test_each_threat_has_a_defence_and_tests_that_exist(row: str) -> None:
    _, _, defence, proof, _ = row.split("|")
    assert defence.strip()
    named = re.findall(r"`(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`", proof)
    assert named, "no test is named"
    for path, test in named:
        assert test in functions(ROOT / path), f"{path} has no {test}"


def test_each_module_that_defends_exists() -> None:
    for row in ROWS:
        for name in re.findall(r"`((?:[a-z_0-9]+/)*[a-z_0-9]+\.py|[a-z_]+/|[a-z-]+\.yaml)`", row.split("|")[2]):
            assert any((ROOT / package / name).exists() for package in PACKAGES), f"there is no {name}"
        for name in re.findall(r"`(keyward_api\.[a-z_.]+)`", row.split("|")[2]):
            assert (ROOT / "api" / (name.replace(".", "/") + ".py")).exists(), f"there is no {name}"


@pytest.mark.parametrize("kind", KINDS)
def test_there_is_a_row_for_each_kind_of_threat(kind: str) -> None:
    assert [row for row in ROWS if re.search(kind, row.split("|")[1])]
