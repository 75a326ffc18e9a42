"""Events: who learns of what."""

from __future__ import annotations

import pytest
from cassandra.protocol import ProtocolHandler, RegisterMessage

from keyward_proxy.session.cluster import Entrance
from tests.unit.proxy import frames
from tests.unit.proxy.frames import query
from tests.unit.proxy.session.script import (
    READ_ORDERS,
    Expectation,
    Script,
    audit,
    client,
    cluster_changed,
    forward,
    logged_in,
    passes_back,
    quiet,
    refused,
    rule,
    to_client,
    upstream,
)

SELECT = "SELECT id FROM orders.items"
ALL = ("TOPOLOGY_CHANGE", "STATUS_CHANGE", "SCHEMA_CHANGE")


def register(*types: str, stream: int = 1, version: int = 4) -> bytes:
    encoded: bytes = ProtocolHandler.encode_message(RegisterMessage(event_list=types), stream, version, None, False)
    return encoded


def ready(*, stream: int = 1) -> bytes:
    return frames.response(0x02, stream=stream)


def schema_change(keyspace: str, *, target: str = "KEYSPACE", name: str | None = None) -> bytes:
    parts = ["SCHEMA_CHANGE", "CREATED", target, keyspace, *([name] if name else [])]
    return frames.response(0x0C, b"".join(map(frames.string, parts)), stream=-1)


def event(change: str, address: str) -> Expectation:
    """The next frame for the client tells of a node."""

    def check(script: Script) -> None:
        assert script.to_client, "nothing was sent to the client"
        seen = script.to_client.popleft()
        assert (seen.opcode, seen.stream, seen.version) == (0x0C, -1, script.version | 0x80)
        assert seen.message.event_args == {"change_type": change, "address": (address, 9142)}

    return check


def registered(*types: str, entrance: Entrance = Entrance.REPLICAS, version: int = 4, **peers: str) -> Script:
    """A session of a client that registered for these, on one of several agents."""
    script = logged_in(READ_ORDERS, entrance=entrance, version=version, peers=peers)
    script >> client(register(*types, version=version))
    if "SCHEMA_CHANGE" in types:
        script >> upstream(frames.response(0x02, stream=1, version=version))
    script << to_client("READY", stream=1)
    script.to_upstream.clear()
    return script


@pytest.fixture
def script() -> Script:
    return logged_in(READ_ORDERS)


def test_nodes_are_the_agents_own_affair(script: Script) -> None:
    script >> client(register("TOPOLOGY_CHANGE", "STATUS_CHANGE")) << to_client("READY", stream=1) << quiet()


@pytest.mark.parametrize("answer", [ready(), frames.error(0x000A, "no", stream=1), frames.error(0x2100, "", stream=1)])
def test_changes_of_schema_are_registered_for_whatever_keyspaces_says(script: Script, answer: bytes) -> None:
    script >> client(register(*ALL)) << forward(register("SCHEMA_CHANGE")) << quiet()
    script >> upstream(answer) << to_client("READY", stream=1) << quiet()


def test_a_second_register_is_answered_at_once() -> None:
    script = registered("SCHEMA_CHANGE")
    script >> client(register(*ALL, stream=2)) << to_client("READY", stream=2) << quiet()


def test_statements_go_on_while_a_register_waits(script: Script) -> None:
    script >> client(register(*ALL), query(SELECT, stream=2))
    script << forward(register("SCHEMA_CHANGE"), query(SELECT, stream=2))
    script >> upstream(frames.void(stream=2), ready()) << passes_back(frames.void(stream=2))
    script << to_client("READY", stream=1) << audit("statement") << quiet()


def test_the_stream_of_a_register_carries_nothing_else(script: Script) -> None:
    script >> client(register(*ALL), query(SELECT, stream=1))
    script << refused(0x000A, stream=1, says="stream 1 carries a request already")


@pytest.mark.parametrize("kind", ["", "TRACE_COMPLETE", "NONSENSE"])
def test_an_unknown_type_is_refused_as_cassandra_does_and_the_session_lives(script: Script, kind: str) -> None:
    script >> client(register("STATUS_CHANGE", kind)) << refused(0x000A, stream=1, says=f"Invalid value '{kind}' for")
    script >> cluster_changed(b="10.1.0.11") << quiet()
    script >> client(register("status_change")) << to_client("READY", stream=1)


@pytest.mark.parametrize("keyspace", ["orders", "system_schema"])
def test_a_change_of_schema_reaches_those_who_may_see_the_keyspace(keyspace: str) -> None:
    script = registered(*ALL)
    change = schema_change(keyspace, target="TABLE", name="items")
    script >> upstream(change) << passes_back(change) << quiet()


@pytest.mark.parametrize("keyspace", ["salaries", "order", "system", "system_auth", ""])
def test_a_change_of_other_keyspaces_does_not(keyspace: str) -> None:
    registered(*ALL) >> upstream(schema_change(keyspace)) << quiet()


def test_a_rule_with_a_pattern_names_its_keyspaces() -> None:
    script = logged_in(rule("reader/allow/0", "order*", "items", "Select"))
    script >> client(register("SCHEMA_CHANGE")) >> upstream(ready()) << to_client("READY", stream=1)
    script >> upstream(schema_change("orders")) << passes_back(schema_change("orders"))
    script >> upstream(schema_change("salaries")) << forward(register("SCHEMA_CHANGE")) << quiet()


def test_who_registered_for_nothing_learns_nothing(script: Script) -> None:
    script >> upstream(schema_change("orders")) >> cluster_changed(b="10.1.0.11") << quiet()


@pytest.mark.parametrize("kind", ["STATUS_CHANGE", "TOPOLOGY_CHANGE"])
def test_nodes_of_keyspaces_stay_behind_the_agent(kind: str) -> None:
    script = registered(*ALL)
    told = frames.response(
        0x0C, frames.string(kind) + frames.string("UP") + b"\x04\x0a\x00\x00\x01\0\0\0\x01", stream=-1
    )
    script >> client(query(SELECT, stream=1))
    script.to_upstream.clear()
    script >> upstream(told, frames.rows(b"x", stream=1), told)
    script << passes_back(frames.rows(b"x", stream=1)) << audit("statement") << quiet()


@pytest.mark.parametrize("pushed", [frames.void(stream=-1), frames.response(0x0C, b"\x00\x0dSCHEMA", stream=-1)])
def test_what_is_no_event_on_the_stream_of_events_ends_the_session(pushed: bytes) -> None:
    script = registered(*ALL)
    script >> upstream(pushed) << audit("session.end", reason="UpstreamProtocolError")


@pytest.mark.parametrize("version", [3, 4])
def test_a_new_agent_is_a_new_node_and_up(version: int) -> None:
    script = registered(*ALL, version=version, b="10.1.0.11")
    script >> cluster_changed(b="10.1.0.11", c="10.1.0.12")
    script << event("NEW_NODE", "10.1.0.12") << event("UP", "10.1.0.12") << quiet()


def test_an_agent_that_went_is_down_and_removed() -> None:
    script = registered(*ALL, b="10.1.0.11", c="10.1.0.12")
    script >> cluster_changed(c="10.1.0.12")
    script << event("DOWN", "10.1.0.11") << event("REMOVED_NODE", "10.1.0.11") << quiet()


def test_events_are_of_the_types_that_were_registered_for() -> None:
    script = registered("STATUS_CHANGE")
    script >> cluster_changed(b="10.1.0.11") << event("UP", "10.1.0.11") << quiet()
    script = registered("TOPOLOGY_CHANGE")
    script >> cluster_changed(b="10.1.0.11") << event("NEW_NODE", "10.1.0.11") << quiet()


def test_what_changed_before_the_client_registered_is_no_news(script: Script) -> None:
    script >> cluster_changed(b="10.1.0.11") >> client(register("STATUS_CHANGE")) << to_client("READY", stream=1)
    script >> cluster_changed(b="10.1.0.11") << quiet()
    script >> cluster_changed(c="10.1.0.12") << event("DOWN", "10.1.0.11") << event("UP", "10.1.0.12") << quiet()


def test_from_outside_nodes_neither_come_nor_go() -> None:
    script = registered(*ALL, entrance=Entrance.EXTERNAL)
    script >> cluster_changed(b="10.1.0.11") << quiet()


def test_an_event_waits_for_the_end_of_an_answer_that_is_partly_sent() -> None:
    script = registered(*ALL)
    answer = frames.rows(b"x" * 1000, stream=1)
    script >> client(query(SELECT, stream=1))
    script.to_upstream.clear()
    script >> upstream(answer[:500]) >> cluster_changed(b="10.1.0.11") >> cluster_changed(c="10.1.0.12")
    assert not script.to_client
    script >> upstream(answer[500:]) << passes_back(answer)
    script << event("NEW_NODE", "10.1.0.12") << event("UP", "10.1.0.12") << audit("statement") << quiet()
