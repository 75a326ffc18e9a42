"""What drivers see of the cluster."""

from __future__ import annotations

import struct
import uuid
from typing import Any

import pytest
from cassandra.protocol import ProtocolHandler, QueryMessage

from keyward_proxy.session.cluster import Entrance
from tests.unit.proxy import frames
from tests.unit.proxy.frames import execute, prepare, query
from tests.unit.proxy.session.script import (
    READ_ORDERS,
    Script,
    audit,
    client,
    cluster_changed,
    forward,
    logged_in,
    policy,
    quiet,
    refused,
    upstream,
)


@pytest.fixture
def script() -> Script:
    return logged_in(READ_ORDERS)


def ask(script: Script, text: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows, as the driver understands them."""
    script >> client(query(text, stream=3, version=script.version))
    return answer(script)


def answer(script: Script) -> tuple[list[str], list[tuple[Any, ...]]]:
    message = script.to_client.popleft().message
    return message.column_names, message.parsed_rows


LOCAL = "SELECT * FROM system.local WHERE key='local'"
PEERS = {"agent-1": "10.1.0.11", "agent-2": "10.1.0.12"}


@pytest.fixture
def replicated() -> Script:
    """A session on one of three agents."""
    return logged_in(READ_ORDERS, peers=PEERS)


def as_dictionaries(answered: tuple[list[str], list[tuple[Any, ...]]]) -> list[dict[str, Any]]:
    names, rows = answered
    return [dict(zip(names, row, strict=True)) for row in rows]


@pytest.mark.parametrize("version", [3, 4])
def test_local_is_this_agent_at_its_own_address(version: int) -> None:
    script = logged_in(READ_ORDERS, version=version)
    (row,) = as_dictionaries(ask(script, LOCAL))
    uid = policy(READ_ORDERS).database.uid
    assert row["rpc_address"] == row["broadcast_address"] == row["listen_address"] == "10.1.0.10"
    assert row["data_center"] == row["rack"] == "us-east-1"
    assert row["cluster_name"] == "Amazon Keyspaces"
    assert row["release_version"] == "4.0.0"
    assert row["cql_version"] == "3.4.4"
    assert row["native_protocol_version"] == "4"
    assert row["partitioner"] == "org.apache.cassandra.dht.Murmur3Partitioner"
    assert len(row["tokens"]) == 1
    assert row["truncated_at"] is None
    assert row["host_id"] == uuid.uuid5(uuid.NAMESPACE_URL, f"keyward.dev/databases/{uid}/replicas/agent-0")
    assert row["host_id"] != row["schema_version"]
    script << audit(
        "statement", answered_by="agent", outcome="ok", rows=1, allowed=True, resources=["Select system.local"]
    )
    script << quiet()


def test_from_outside_there_is_one_node_at_the_service_s_address_and_no_peer() -> None:
    script = logged_in(READ_ORDERS, entrance=Entrance.EXTERNAL, peers=PEERS)
    (row,) = as_dictionaries(ask(script, LOCAL))
    uid = policy(READ_ORDERS).database.uid
    assert row["rpc_address"] == row["broadcast_address"] == row["listen_address"] == "10.96.0.10"
    assert row["host_id"] == uuid.uuid5(uuid.NAMESPACE_URL, f"keyward.dev/databases/{uid}/host")
    assert row["tokens"]
    for table in ("peers", "peers_v2"):
        assert ask(script, f"SELECT * FROM system.{table}")[1] == []


def test_every_other_agent_is_a_peer(replicated: Script) -> None:
    (local,) = as_dictionaries(ask(replicated, LOCAL))
    peers = as_dictionaries(ask(replicated, "SELECT * FROM system.peers"))
    assert [peer["peer"] for peer in peers] == [peer["rpc_address"] for peer in peers] == list(PEERS.values())
    assert len({row["host_id"] for row in (local, *peers)}) == 3
    assert len({tuple(row["tokens"]) for row in (local, *peers)}) == 3
    for peer in peers:
        for same in ("data_center", "rack", "release_version", "schema_version"):
            assert peer[same] == local[same]


def test_peers_of_both_tables_are_the_same_nodes(replicated: Script) -> None:
    old = as_dictionaries(ask(replicated, "SELECT * FROM system.peers"))
    new = as_dictionaries(ask(replicated, "SELECT * FROM system.peers_v2"))
    assert [(row["native_address"], row["native_port"]) for row in new] == [(a, 9142) for a in PEERS.values()]
    for each in ("peer", "host_id", "tokens", "data_center", "rack"):
        assert [row[each] for row in old] == [row[each] for row in new]


def test_a_replica_that_comes_or_goes_is_in_the_next_answer(replicated: Script) -> None:
    replicated >> cluster_changed(**{"agent-2": "10.1.0.12", "agent-3": "10.1.0.13"})
    assert ask(replicated, "SELECT peer FROM system.peers")[1] == [("10.1.0.12",), ("10.1.0.13",)]
    replicated >> cluster_changed(Entrance.EXTERNAL)
    assert ask(replicated, "SELECT count(*) FROM system.peers")[1] == [(2,)]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("SELECT peer FROM system.peers WHERE peer = '10.1.0.12'", [("10.1.0.12",)]),
        ("SELECT peer, native_port AS port FROM system.peers_v2 WHERE peer='10.1.0.11'", [("10.1.0.11", 9142)]),
        ("SELECT peer FROM system.peers WHERE peer = '10.1.0.99'", []),
        ("SELECT peer FROM system.peers LIMIT 1", [("10.1.0.11",)]),
        ("SELECT count(*) FROM system.peers_v2", [(2,)]),
        ('SELECT "peer" FROM "system"."peers" ALLOW FILTERING', [("10.1.0.11",), ("10.1.0.12",)]),
    ],
)
def test_peers_are_found_by_their_keys(replicated: Script, text: str, rows: list[tuple[Any, ...]]) -> None:
    assert ask(replicated, text)[1] == rows


def test_a_prepared_query_finds_the_peer_that_is_bound(replicated: Script) -> None:
    text = "SELECT rpc_address FROM system.peers WHERE peer = ?"
    replicated >> client(prepare(text, stream=1))
    prepared_id = replicated.to_client.popleft().message.query_id
    replicated >> client(execute(prepared_id, bytes([10, 1, 0, 12]), stream=2))
    assert answer(replicated)[1] == [("10.1.0.12",)]


def test_the_key_of_peers_v2_is_an_address_and_a_port(replicated: Script) -> None:
    text = "SELECT native_address FROM system.peers_v2 WHERE peer = ? AND peer_port = ?"
    replicated >> client(prepare(text, stream=1))
    prepared_id = replicated.to_client.popleft().message.query_id
    for port, rows in ((7000, [("10.1.0.12",)]), (9142, [])):
        values = (bytes([10, 1, 0, 12]), struct.pack(">i", port))
        replicated >> client(execute(prepared_id, *values, stream=2))
        assert answer(replicated)[1] == rows


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("keyspaces", ["keyspace_name"]),
        ("tables", ["keyspace_name", "table_name", "comment"]),
        (
            "columns",
            [
                "keyspace_name",
                "table_name",
                "column_name",
                "clustering_order",
                "column_name_bytes",
                "kind",
                "position",
                "type",
            ],
        ),
    ],
)
def test_there_are_no_virtual_tables_and_every_login_may_know(script: Script, table: str, columns: list[str]) -> None:
    assert ask(script, f"SELECT * FROM system_virtual_schema.{table}") == (columns, [])
    script << audit("statement", answered_by="agent", outcome="ok", allowed=True)
    assert ask(script, f"SELECT count(*) FROM system_virtual_schema.{table}")[1] == [(0,)]


@pytest.mark.parametrize(
    ("text", "names", "rows"),
    [
        ("SELECT cluster_name FROM system.local", ["cluster_name"], [("Amazon Keyspaces",)]),
        ('select "key" AS k from "system"."local"', ["k"], [("local",)]),
        ("SELECT rack, key FROM SYSTEM.LOCAL WHERE key = 'local' ALLOW FILTERING", ["rack", "key"], None),
        ("SELECT count(*) FROM system.local", ["count"], [(1,)]),
        ("SELECT COUNT(1) AS n FROM system.local;", ["n"], [(1,)]),
        ("SELECT key FROM system.local WHERE key = 'other'", ["key"], []),
        ("SELECT count(*) FROM system.local WHERE key = 'other'", ["count"], [(0,)]),
        ("SELECT key FROM system.local LIMIT 1", ["key"], [("local",)]),
        ("SELECT count(*) FROM system.peers", ["count"], [(0,)]),
        ("SELECT peer, rpc_address FROM system.peers WHERE peer = '10.0.0.1'", ["peer", "rpc_address"], []),
        ("SELECT peer_port FROM system.peers_v2", ["peer_port"], []),
    ],
)
def test_forms_that_drivers_use(
    script: Script, text: str, names: list[str], rows: list[tuple[Any, ...]] | None
) -> None:
    found_names, found = ask(script, text)
    assert found_names == names
    assert found == (rows if rows is not None else [("us-east-1", "local")])


def test_peers_are_empty_with_all_their_columns(script: Script) -> None:
    names, rows = ask(script, "SELECT * FROM system.peers")
    assert (len(names), rows) == (9, [])
    names, rows = ask(script, "SELECT * FROM system.peers_v2")
    assert (len(names), rows) == (12, [])


def test_unqualified_names_after_use_system_are_the_same_tables(script: Script) -> None:
    script >> client(query("USE system", stream=1)) >> upstream(frames.set_keyspace("system", stream=1))
    script.to_client.clear()
    assert ask(script, "SELECT key FROM local") == (["key"], [("local",)])


def test_tables_of_the_same_name_elsewhere_are_not_ours(script: Script) -> None:
    script >> client(query("SELECT * FROM orders.local")) << forward(query("SELECT * FROM orders.local"))


@pytest.mark.parametrize(("last", "found"), [(12, ["10.1.0.12"]), (99, [])])
def test_a_named_value_in_a_query_finds_its_peer(replicated: Script, last: int, found: list[str]) -> None:
    text = "SELECT peer FROM system.peers WHERE peer = :address"
    plain = ProtocolHandler.encode_message(QueryMessage(text, 1), 3, 4, None, False)
    named = b"\x00\x01\x41\x00\x01" + frames.string("address") + struct.pack(">i", 4) + bytes([10, 1, 0, last])
    body = plain[9 : 9 + 4 + len(text)] + named
    replicated >> client(bytes([4, 0, 0, 3, 7]) + struct.pack(">i", len(body)) + body)
    assert answer(replicated)[1] == [(address,) for address in found]


@pytest.mark.parametrize("version", [3, 4])
def test_a_prepared_query_is_answered_here_too(version: int) -> None:
    script = logged_in(READ_ORDERS, version=version)
    script >> client(prepare("SELECT key, tokens FROM system.local WHERE key = ?", stream=1, version=version))
    message = script.to_client.popleft().message
    assert [column.name for column in message.bind_metadata] == ["key"]
    assert [column[2] for column in message.column_metadata] == ["key", "tokens"]
    script << audit("statement", opcode="PREPARE", answered_by="agent", prepared_id=message.query_id.hex())
    script >> client(execute(message.query_id, b"local", stream=2, version=version))
    ((key, tokens),) = answer(script)[1]
    assert (key, len(tokens)) == ("local", 1)
    script >> client(execute(message.query_id, b"other", stream=2, version=version))
    assert answer(script)[1] == []
    script >> client(execute(message.query_id, stream=2, version=version))
    script << refused(0x2200, stream=2, says="no value is bound to key")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("SELECT nonsense FROM system.local", "Undefined column name nonsense in table system.local"),
        ("SELECT now() FROM system.local", "simplify the query"),
        ("SELECT JSON key FROM system.local", "simplify the query"),
        ("SELECT DISTINCT key FROM system.local", "simplify the query"),
        ("SELECT key FROM system.local WHERE key IN ('local')", "simplify the query"),
        ("SELECT key FROM system.local LIMIT ?", "simplify the query"),
        ("SELECT key FROM system.local WHERE rack = 'x'", "answered by its key (key) only, not by rack"),
        ("SELECT key FROM system.local WHERE key = ?", "no value is bound to key"),
        ("SELECT key FROM system.local LIMIT 0", "LIMIT must be strictly positive"),
        ("SELECT key FROM system.local LIMIT " + "9" * 5000, "simplify the query"),
        ("SELECT peer FROM system.peers WHERE peer = 'nonsense'", "'nonsense' is not an IP address"),
        ("SELECT nonsense FROM system_virtual_schema.tables", "in table system_virtual_schema.tables"),
    ],
)
def test_other_forms_are_refused_with_what_to_do(script: Script, text: str, says: str) -> None:
    script >> client(query(text, stream=1)) << refused(0x2200, stream=1, says=says)
    script << audit("statement", outcome="denied", allowed=False) << quiet()


def test_ids_of_two_tables_differ(script: Script) -> None:
    script >> client(prepare("SELECT * FROM system.peers", stream=1), prepare(LOCAL, stream=2))
    first, second = (seen.message.query_id for seen in script.to_client)
    assert first != second


def test_the_revision_in_force_is_in_the_record(script: Script) -> None:
    ask(script, LOCAL)
    assert script.audits[0].decision.policy_revision == policy().revision
    assert script.audits[0].decision.rule == "implied/system_tables"
