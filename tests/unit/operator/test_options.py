import sys
from pathlib import Path

import pytest

from keyward_api.crds import KINDS
from keyward_api.resources.policy import KeyspacesPolicy
from keyward_operator import kinds
from keyward_operator.health import Address
from keyward_operator.main import main
from keyward_operator.options import parse
from keyward_operator.scope import Scope


def test_defaults_are_those_of_the_chart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POD_NAME", "keyward-operator-0")
    options = parse([])
    assert options.scope == Scope(operator_namespace="keyward-system", agents_namespace="keyward-agents")
    assert options.settings_file == Path("/etc/keyward/settings.yaml")
    assert options.health_address == Address("0.0.0.0", 8080)  # noqa: S104
    assert options.identity == "keyward-operator-0"


def test_without_a_pod_name_processes_of_a_machine_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POD_NAME", raising=False)
    assert parse([]).identity.rsplit("-", 1)[1].isdigit()


def test_the_chart_passes_flags_that_exist() -> None:
    given = [
        "--namespace=a",
        "--agent-namespace=b",
        "--settings-file=/c",
        "--health-address=[::]:80",
        "--log-level=debug",
        "--watch-namespaces=payments, stock,",
    ]
    options = parse(given)
    assert options.log_level == "debug"
    assert options.scope == Scope(operator_namespace="a", agents_namespace="b", namespaces=("payments", "stock"))
    assert options.health_address == Address("::", 80)


@pytest.mark.parametrize(
    ("flag", "says"),
    [
        ("--health-address=8080", "ADDRESS:PORT"),
        ("--health-address=a:70000", "ADDRESS:PORT"),
        ("--resync-seconds=0", "not above zero"),
        ("--resync-seconds=often", "not a number"),
        ("--workers=0", "invalid choice"),
        ("--log-level=loud", "invalid choice"),
    ],
)
def test_a_wrong_value_ends_the_process_and_says_why(flag: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse([flag])
    assert says in capsys.readouterr().err


def helped(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *command: str) -> str:
    monkeypatch.setattr(sys, "argv", ["keyward-operator", *command, "--help"])
    with pytest.raises(SystemExit):
        main()
    return " ".join(capsys.readouterr().out.split())


def test_help_names_every_kind_that_people_write(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = helped(monkeypatch, capsys)
    assert all(f"{kind.name}s" in said for kind in KINDS if kind.model is not KeyspacesPolicy)


@pytest.mark.parametrize("command", [[], ["explain"], ["print-iam"]], ids=str)
def test_help_says_no_default_that_is_nothing(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = helped(monkeypatch, capsys, *command)
    assert "(default: " in said
    assert not any(f"(default: {nothing})" in said for nothing in ("()", "None", ""))


def test_explain_says_of_what_it_tells(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    said = helped(monkeypatch, capsys, "explain")
    assert all(kind.kind in said for kind in kinds.INPUTS)
    assert "get lease keyward-operator" in said
