"""The command line, and what it says of what is missing."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from keyward_proxy.main import address, parser, settings_from

MINIMUM = ["--policy-name", "payments.orders", "--server-name", "keyward-orders.payments.svc"]
POD = {"POD_NAME": "orders-0", "POD_IP": "10.0.0.7", "POD_NAMESPACE": "keyward-agents"}


def test_a_pod_needs_to_be_told_little() -> None:
    settings = settings_from(parser().parse_args(MINIMUM), POD)
    assert settings.policy == "keyward-agents/payments.orders"
    assert settings.listen == ("0.0.0.0", 9142)  # noqa: S104
    assert settings.health == ("0.0.0.0", 8080)  # noqa: S104
    assert settings.ca_directory == Path("/etc/keyward/ca")
    assert settings.server_names == ("keyward-orders.payments.svc",)


def test_server_names_add_up_and_the_policy_may_be_elsewhere() -> None:
    arguments = [*MINIMUM, "--server-name", "db.example.com", "--policy-namespace", "elsewhere"]
    settings = settings_from(parser().parse_args(arguments), POD)
    assert settings.server_names == ("keyward-orders.payments.svc", "db.example.com")
    assert settings.policy == "elsewhere/payments.orders"


def test_missing_environment_is_told_with_where_it_comes_from() -> None:
    with pytest.raises(ValueError, match=r"lacks POD_IP: set POD_IP from status\.podIP"):
        settings_from(parser().parse_args(MINIMUM), {**POD, "POD_IP": ""})


@pytest.mark.parametrize(
    ("text", "parsed"), [("127.0.0.1:9142", ("127.0.0.1", 9142)), ("[::]:1", ("::", 1)), (":80", ("", 80))]
)
def test_addresses(text: str, parsed: tuple[str, int]) -> None:
    assert address(text) == parsed


@pytest.mark.parametrize("text", ["", "9142", "host:", "host:port", "host:70000", "host:-1"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        address(text)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "keyward_proxy.main", *arguments], capture_output=True, text=True, env={}, timeout=60
    )


def test_outside_a_pod_the_command_says_why_it_ends() -> None:
    ended = run(*MINIMUM)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert '"the environment lacks POD_NAME' in ended.stderr


def test_help_names_every_flag() -> None:
    ended = run("--help")
    assert ended.returncode == 0
    for flag in ("--policy-name", "--server-name", "--ca-directory", "--listen", "--health-address", "--log-level"):
        assert flag in ended.stdout
