"""The command line as a user types it."""

import json

import pytest
from typer.testing import CliRunner

from keyward_cli.main import application


@pytest.fixture
def runner() -> CliRunner:
    return CliRunner()


@pytest.mark.parametrize("option", ["-o", "--output"])
def test_version_prints_json(runner: CliRunner, option: str) -> None:
    result = runner.invoke(application, ["version", option, "json"])
    assert result.exit_code == 0
    assert set(json.loads(result.stdout)) == {"version", "python"}


def test_version_prints_text_by_default(runner: CliRunner) -> None:
    result = runner.invoke(application, ["version"])
    assert result.stdout.startswith("keyward ")


def test_an_unknown_format_is_refused_with_the_choices(runner: CliRunner) -> None:
    result = runner.invoke(application, ["version", "-o", "xml"])
    assert result.exit_code == 2
    assert "json" in result.output


def test_help_lists_the_commands(runner: CliRunner) -> None:
    result = runner.invoke(application, ["--help"])
    assert result.exit_code == 0
    assert "version" in result.stdout
