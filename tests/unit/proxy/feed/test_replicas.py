"""What one agent wrote of itself never hurts another."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyward_api.resources.policy import AGENTS_LIMIT, AgentReport, AgentState
from keyward_proxy.feed.replicas import Replica, replicas_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
ADDRESSES = st.ip_addresses().map(str) | st.text() | JSON


def found(*entries: Any) -> list[tuple[str, str, str]]:
    return [(r.pod, str(r.address), r.state.value) for r in replicas_of({"status": {"agents": list(entries)}})]


def entry(pod: str, address: str, state: str = "Serving") -> dict[str, str]:
    return {"pod": pod, "podIP": address, "state": state}


def test_what_an_agent_reports_is_what_the_others_read() -> None:
    report = AgentReport(pod="a", pod_ip="10.1.0.1", ready=True, state=AgentState.SERVING)
    assert found(report.to_json_dict()) == [("a", "10.1.0.1", "Serving")]


def test_agents_come_by_name_whatever_their_order() -> None:
    assert found(entry("b", "10.1.0.2"), entry("a", "fd00::1")) == [
        ("a", "fd00::1", "Serving"),
        ("b", "10.1.0.2", "Serving"),
    ]


def test_drivers_are_told_of_those_that_serve_or_drain() -> None:
    states = {state: replicas_of({"status": {"agents": [entry("a", "10.1.0.1", state)]}}) for state in AgentState}
    assert {state for state, (replica,) in states.items() if replica.is_listed} == {
        AgentState.SERVING,
        AgentState.DRAINING,
    }


@pytest.mark.parametrize(
    "address",
    ["", "nonsense", "10.1.0.1:9142", "10.1.0", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "fe80::1%eth0", "10.1.0.1 "],  # noqa: S104
)
def test_an_entry_without_a_usable_address_is_passed_over(address: str) -> None:
    assert found(entry("bad", address), entry("good", "10.1.0.1")) == [("good", "10.1.0.1", "Serving")]


def test_an_unknown_state_counts_as_not_serving() -> None:
    assert found(entry("a", "10.1.0.1", "Dancing"), {"pod": "b", "podIP": "10.1.0.2"}) == [
        ("a", "10.1.0.1", "Starting"),
        ("b", "10.1.0.2", "Starting"),
    ]


def test_an_address_belongs_to_one_agent() -> None:
    assert found(entry("b", "10.1.0.1"), entry("a", "10.1.0.1")) == [("a", "10.1.0.1", "Serving")]


def test_no_more_are_kept_than_a_status_has_room_for() -> None:
    many = [entry(f"a{n}", f"10.1.{n // 250}.{n % 250 + 1}") for n in range(AGENTS_LIMIT + 50)]
    assert len(found(*many)) == AGENTS_LIMIT


@settings(deadline=None)
@given(st.lists(st.fixed_dictionaries({"pod": st.text() | JSON, "podIP": ADDRESSES, "state": JSON}) | JSON))
def test_nothing_in_an_entry_can_hurt(entries: list[Any]) -> None:
    for replica in replicas_of({"status": {"agents": entries}}):
        assert isinstance(replica, Replica)
        assert replica.pod
        assert len(replica.address.packed) in (4, 16)


@settings(deadline=None)
@given(JSON)
def test_nothing_in_a_status_can_hurt(status: Any) -> None:
    assert len(replicas_of({"status": status})) <= AGENTS_LIMIT
    assert replicas_of(None) == ()
