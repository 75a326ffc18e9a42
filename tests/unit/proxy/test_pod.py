"""What an agent in a pod is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyward_proxy.commandline import parse
from keyward_proxy.pod import settings_from

MINIMUM = ["--policy-name", "payments.orders", "--server-name", "keyward-orders.payments.svc"]
POD = {"POD_NAME": "orders-0", "POD_IP": "10.0.0.7", "POD_NAMESPACE": "keyward-agents"}


def test_a_pod_needs_to_be_told_little() -> None:
    settings = settings_from(parse(MINIMUM), POD)
    assert (settings.pod, settings.pod_ip) == ("orders-0", "10.0.0.7")
    assert settings.policy == "keyward-agents/payments.orders"
    assert settings.ca_directory == Path("/etc/keyward/ca")
    assert settings.server_names == ("keyward-orders.payments.svc",)
    assert settings.clients is None
    assert settings.operator_lease == "keyward-system/keyward-operator"


def test_server_names_add_up_and_the_policy_may_be_elsewhere() -> None:
    arguments = [*MINIMUM, "--server-name", "db.example.com", "--policy-namespace", "elsewhere"]
    settings = settings_from(parse(arguments), POD)
    assert settings.server_names == ("keyward-orders.payments.svc", "db.example.com")
    assert settings.policy == "elsewhere/payments.orders"


def test_the_operator_s_lease_may_be_elsewhere() -> None:
    settings = settings_from(parse([*MINIMUM, "--operator-lease", "platform/keyward"]), POD)
    assert settings.operator_lease == "platform/keyward"


def test_missing_environment_is_told_with_where_it_comes_from() -> None:
    with pytest.raises(ValueError, match=r"lacks POD_IP: set POD_IP from status\.podIP"):
        settings_from(parse(MINIMUM), {**POD, "POD_IP": ""})
