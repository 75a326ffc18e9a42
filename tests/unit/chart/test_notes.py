"""What `helm install` says at its end."""

import re
import subprocess

import pytest

from local.generate import PROJECT
from local.install import CHART, RELEASE

from .conftest import VALUES

pytestmark = pytest.mark.timeout(1800)  # the first run on a machine may have to compile helm


def notes(helm: str, variant: str) -> str:
    values = ["--values", str(VALUES / f"{variant}.yaml")]
    command = [helm, "install", RELEASE, str(CHART), "--namespace", "keyward-system", "--dry-run=client", *values]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return shown.split("NOTES:\n")[1]


def test_the_first_command_sees_whether_it_works(helm: str) -> None:
    commands = [line.strip() for line in notes(helm, "defaults").splitlines() if line.startswith("  ")]
    there = "--namespace keyward-system"
    assert commands[0] == (
        f"kubectl {there} rollout status deployment/keyward-operator && helm test keyward {there}"
    )  # fmt: skip


def test_what_keeps_it_from_working_is_said_first(helm: str) -> None:
    said = notes(helm, "least")
    assert "crds.enabled is false" in said.split("Next")[0]
    assert "tenants is empty" in said.split("Next")[0]


def test_the_example_is_of_a_namespace_that_is_served(helm: str) -> None:
    assert "kubectl --namespace payments get keyward" in notes(helm, "namespaced")


def test_where_the_operator_may_into_iam_it_says_how_to_print_what_it_needs_there(helm: str) -> None:
    said = notes(helm, "everything").split("Next")[0]
    assert "exec deployment/keyward-operator -- keyward-operator print-iam --account-id ACCOUNT\n" in said
    assert "serviceAccount.annotations" in said
    assert "print-iam" not in notes(helm, "defaults")


def test_files_that_are_applied_are_there(helm: str) -> None:
    applied = re.findall(r"apply -f ([^\s`]+)", notes(helm, "defaults") + notes(helm, "least"))
    assert len(applied) == 3
    assert [file for file in applied if not (PROJECT / file).exists()] == []
