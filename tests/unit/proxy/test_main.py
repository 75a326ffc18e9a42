"""The command as a process, and what it says of what is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

MINIMUM = ["--policy-name", "payments.orders", "--server-name", "keyward-orders.payments.svc"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "keyward_proxy.main", *arguments], capture_output=True, text=True, env={}, timeout=60
    )


def test_outside_a_pod_the_command_says_why_it_ends() -> None:
    ended = run(*MINIMUM)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert '"the environment lacks POD_NAME' in ended.stderr


def test_help_names_every_flag_and_shows_both_ways() -> None:
    ended = run("--help")
    assert ended.returncode == 0
    for flag in ("--policy-name", "--server-name", "--ca-directory", "--listen", "--health-address", "--log-level"):
        assert flag in ended.stdout
    assert "keyward-agent --manifests . --check" in ended.stdout


def test_manifests_that_are_wrong_are_told_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: Pod\n")
    ended = run("--manifests", str(tmp_path), "--client-ca", "missing.pem", "--advertise-address", "127.0.0.1")
    assert ended.returncode == 1
    assert ended.stdout == ""
    lines = ended.stderr.splitlines()
    assert len(lines) == 2
    assert "a.yaml, document 1, apiVersion: must be 'keyward.dev/v1alpha1'" in lines[0]
    assert "a.yaml, document 1, kind: must be one of KeyspacesDatabase" in lines[1]
    checked = run("--manifests", str(tmp_path), "--check")
    assert (checked.returncode, len(checked.stderr.splitlines())) == (1, 2)


def test_a_pod_s_agent_does_not_load_what_files_need() -> None:
    code = "import sys, keyward_proxy.main; print([n for n in sys.modules if n in ('joserfc', 'keyward_api.crds')])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ended.stdout.strip() == "[]"
