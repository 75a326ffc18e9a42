"""Audit records as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec

from tests.unit.proxy import frames
from tests.unit.proxy.frames import query
from tests.unit.proxy.session.script import EPOCH, READ_ORDERS, TOKEN, client, logged_in, upstream


def lines(*texts: str) -> list[dict[str, Any]]:
    script = logged_in(READ_ORDERS)
    for text in texts:
        script >> client(query(text, stream=1)) >> upstream(frames.rows(b"x", stream=1))
    return [json.loads(msgspec.json.encode(record)) for record in script.audits]


def test_a_statement_tells_who_what_where_why_and_how_it_ended() -> None:
    (line,) = lines("SELECT a FROM orders.items WHERE b = 'hidden'")
    assert datetime.fromisoformat(line["time"]) == datetime.fromtimestamp(EPOCH + 100, UTC)
    assert line["event"] == "statement"
    assert line["identity"] == "system:serviceaccount:shop:app"
    assert line["dbUser"] == "Reader"
    assert line["awsSessionName"] == "shop@app"
    assert line["accessKeyId"] == "ASIAEXAMPLE"
    assert (line["namespace"], line["database"], line["agent"], line["session"]) == (
        "payments",
        "orders",
        "agent-0",
        "s-1",
    )
    assert line["clientAddress"] == "10.1.2.3:40000"
    assert line["statement"] == "SELECT a FROM orders.items WHERE b = ?"
    assert len(line["statementSha256"]) == 64
    assert line["resources"] == [{"permission": "Select", "keyspace": "orders", "table": "items"}]
    assert line["decision"] == {"allowed": True, "policyRevision": "r1", "rule": "reader/allow/0"}
    assert (line["outcome"], line["rows"], line["form"], line["opcode"]) == ("ok", 1, "SELECT", "QUERY")


def test_a_line_stays_a_line_whatever_the_text() -> None:
    script = logged_in(READ_ORDERS)
    script >> client(query('SELECT "\n\r\x00\x1b[31m" FROM orders.items', stream=1))
    script >> upstream(frames.rows(stream=1))
    raw = msgspec.json.encode(script.audits[0])
    assert not any(byte < 0x20 for byte in raw)
    assert TOKEN.encode() not in raw
