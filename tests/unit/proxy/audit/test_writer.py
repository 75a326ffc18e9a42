"""The trail is numbered and chained, never stops the loop, and tells of its gaps."""

from __future__ import annotations

import datetime
import hashlib
import io
import json
import threading

import pytest

from keyward_proxy.audit import writer as module
from keyward_proxy.audit.records import AgentStart, AgentStop
from keyward_proxy.audit.writer import AuditWriter
from keyward_proxy.session.records import Decision, Resource, StatementRecord

AT = datetime.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=datetime.UTC)


def start(number: int = 0) -> AgentStart:
    return AgentStart(time=AT, agent=f"agent-{number}", version="0.1.0", policy="keyward-agents/payments.orders")


def statement(text: str, *, resources: int) -> StatementRecord:
    return StatementRecord(
        time=AT,
        cluster="c",
        namespace="payments",
        database="orders",
        agent="agent-0",
        session="s",
        client_address="10.0.0.1:1",
        opcode="QUERY",
        stream=1,
        outcome="ok",
        decision=Decision(allowed=True, policy_revision="r1"),
        statement=text,
        resources=(Resource(permission="Select", keyspace="shop", table="orders"),) * resources,
    )


class BlockedStream(io.BytesIO):
    """Nothing is taken before `gate` opens, as with a reader that has stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.blocked = threading.Event()

    def write(self, data: bytes) -> int:
        self.blocked.set()
        self.gate.wait(10)
        return super().write(data)


def lines(stream: io.BytesIO) -> list[bytes]:
    return stream.getvalue().splitlines()


def written(stream: io.BytesIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in lines(stream)]


def test_records_are_numbered_and_each_holds_the_hash_of_the_line_before() -> None:
    stream = io.BytesIO()
    writer = AuditWriter(stream, on_lost=lambda: None)
    for number in range(3):
        writer.write(start(number))
    writer.write(AgentStop(time=AT, agent="agent-0", reason="stopped", lost=0))
    assert writer.close(5)
    records = written(stream)
    assert [record["seq"] for record in records] == [0, 1, 2, 3]
    assert [record["event"] for record in records] == ["agent.start"] * 3 + ["agent.stop"]
    assert records[0]["time"] == "2026-01-02T03:04:05.678901Z"
    expected = ["0" * 64] + [hashlib.sha256(line).hexdigest() for line in lines(stream)[:-1]]
    assert [record["prev"] for record in records] == expected


def test_control_characters_cannot_forge_a_line() -> None:
    stream = io.BytesIO()
    writer = AuditWriter(stream, on_lost=lambda: None)
    writer.write(AgentStart(time=AT, agent='x\n{"seq":0}\x1b[2J\u202e', version="1", policy="p"))
    assert writer.close(5)
    assert len(lines(stream)) == 1
    assert stream.getvalue().isascii()
    assert b"\x1b" not in stream.getvalue()
    assert written(stream)[0]["agent"] == 'x\n{"seq":0}\x1b[2J\u202e'


def test_a_reader_that_has_stopped_costs_records_and_the_gap_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAXIMUM_QUEUED_BYTES", 5 * module._RECORD_BYTES)
    stream, lost = BlockedStream(), []
    writer = AuditWriter(stream, on_lost=lambda: lost.append(1))
    writer.write(start())
    assert stream.blocked.wait(5)
    for number in range(8):
        writer.write(start(number))
    assert writer.lost == len(lost) == 3
    stream.gate.set()
    while writer._queue:
        pass
    writer.write(start(99))
    assert writer.close(5)
    assert [record["seq"] for record in written(stream)] == [0, 1, 2, 3, 4, 5, 9]


def test_long_statements_fill_the_queue_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAXIMUM_QUEUED_BYTES", 50_000)
    stream = BlockedStream()
    writer = AuditWriter(stream, on_lost=lambda: None)
    writer.write(start())
    assert stream.blocked.wait(5)
    for number in range(5):
        writer.write(statement("\U0001f600" * 5000, resources=number))
    assert writer.lost == 3
    stream.gate.set()
    assert writer.close(5)
    assert writer._queued_bytes == 0


def test_a_broken_stream_is_counted_not_raised() -> None:
    stream, lost = io.BytesIO(), []
    writer = AuditWriter(stream, on_lost=lambda: lost.append(1))
    stream.close()
    writer.write(start())
    assert writer.close(5)
    assert writer.lost == len(lost) == 1


def test_closing_gives_up_on_a_reader_that_has_stopped() -> None:
    stream = BlockedStream()
    writer = AuditWriter(stream, on_lost=lambda: None)
    writer.write(start())
    assert not writer.close(0.05)
    stream.gate.set()
