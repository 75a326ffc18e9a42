"""Watches whose connections are dead without anybody having said so: an operator that heard nothing must not wait on.

It goes by the bookmarks that the API server sends each minute, and so by times that are the API server's and kopf's.
None of them is made shorter for the test, which is why it takes more than a minute and is here and not among the
integration tests: with shorter ones watches would be begun anew all the time, silent or not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from keyward_api import names
from keyward_operator.adapters import watches
from tests.integration.operator.conftest import Objects
from tests.integration.operator.control_plane import ControlPlane, RunningOperator, eventually
from tests.integration.operator.resources import condition, database, role, user
from tests.outage.silence.silent_proxy import SilentProxy

AGENTS = names.AGENTS_NAMESPACE
NEVER = 3600.0
"""Seconds until a resync, which would find everything."""

PROMISED = 75.0
"""Seconds after which a watch is begun anew that said nothing, at the latest: the unit tests hold the setting to it."""

TO_ACT = 15.0
"""Seconds that it may take to begin it, and to do what it tells."""


class Rest:
    """Whether an operator rests: nothing was looked at for a while, longer than looks are put off."""

    SECONDS = 2 * watches.GATHERING

    def __init__(self, operator: RunningOperator) -> None:
        self._operator = operator
        self._looks = -1.0
        self._since = time.monotonic()

    def __call__(self) -> bool:
        """Look at it once more."""
        looks = self._operator.metric("keyward_operator_reconciles_total")
        if looks != self._looks:
            self._looks, self._since = looks, time.monotonic()
        return time.monotonic() - self._since > self.SECONDS


@pytest.fixture
def proxy(installed: ControlPlane) -> Iterator[SilentProxy]:
    with SilentProxy(installed.port) as proxy:
        yield proxy


@pytest.fixture
def operator(new_operator: Callable[..., RunningOperator], proxy: SilentProxy) -> Iterator[RunningOperator]:
    """One that reaches the API server by the proxy, and no resync of which finds anything."""
    operator = new_operator(resync_seconds=NEVER, api_server_port=proxy.port)
    operator.start()
    operator.wait_until_ready()
    yield operator
    operator.stop()


def settled(objects: Objects, namespace: str, policy: str) -> None:
    """Two databases of which one is granted to a user."""
    objects.apply(role(namespace), user(namespace), database(namespace), database(namespace, "ledger"))
    for name in ("orders", "ledger"):
        objects.wait("keyspacesdatabase", name, namespace, until=lambda found: condition(found, "Ready")["reason"])
    objects.wait("keyspacespolicy", policy, AGENTS, until=lambda found: found["spec"]["grants"])
    objects.wait("keyspacesuser", "app", namespace, until=lambda found: condition(found, "Ready")["status"] == "True")


def test_what_silent_watches_do_not_tell_is_acted_on_in_time(
    proxy: SilentProxy, operator: RunningOperator, objects: Objects, namespace: str, installed: ControlPlane
) -> None:
    policy, network_policy = (names.dotted_child_name(namespace=namespace, name=name) for name in ("orders", "ledger"))
    settled(objects, namespace, policy)
    eventually(Rest(operator), what="the operator has nothing to do: of a request under way it would learn the silence")
    began = time.monotonic()
    assert proxy.fall_silent() > 0
    # One is for the watches of tenants' namespaces, the other one for those of the agents'.
    installed.kubectl("delete", "keyspacesuser", "app", "-n", namespace)
    installed.kubectl("delete", "networkpolicy", network_policy, "-n", AGENTS)
    acted: dict[str, float] = {}

    def acted_on_both() -> bool:
        after = time.monotonic() - began
        compiled = objects.get("keyspacespolicy", policy, AGENTS)
        if compiled is not None and not compiled["spec"].get("grants"):
            acted.setdefault("the user", after)
        if objects.get("networkpolicy", network_policy, AGENTS) is not None:
            acted.setdefault("the network policy", after)
        return len(acted) == 2

    eventually(acted_on_both, what="both deletions are acted on", deadline=PROMISED + TO_ACT)
    assert proxy.withheld > 0
    assert min(acted.values()) > PROMISED / 2, f"the watches were silent, and yet: {acted}"
    assert operator.runs(), "its Lease outlived the silence too"
    assert operator.metric("keyward_operator_is_leader") == 1
