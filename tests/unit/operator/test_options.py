from pathlib import Path

import pytest

from keyward_operator.health import Address
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
