"""A DESCRIBE, from its request to its answer."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from keyward_proxy.cql.description import Subject
from keyward_proxy.describe.inquiry import Answer, Inquiry
from keyward_proxy.session import describing
from keyward_proxy.session.commands import FormatDescription
from keyward_proxy.session.events import ClientClosed, Described, DescriptionFailed, Drain, UpstreamClosed
from keyward_proxy.session.settings import DESCRIBE_SECONDS, MAXIMUM_DESCRIPTIONS
from keyward_proxy.session.shared import Shared
from tests.unit.proxy import frames
from tests.unit.proxy.describe.schemas import keyspace, result, table
from tests.unit.proxy.frames import Seen, prepare, query, register
from tests.unit.proxy.session.script import (
    READ_ORDERS,
    MakeEvent,
    Script,
    audit,
    client,
    closed,
    forward,
    happens,
    logged_in,
    policy,
    policy_changed,
    quiet,
    refused,
    rule,
    to_client,
    upstream,
)

KEYSPACES = "DESCRIBE KEYSPACES"
SELECT = "SELECT id FROM orders.items"
ROWS = keyspace("orders")["keyspaces"]
FIRST = 0x7FFF
"""The stream of the first question."""

ANSWER = Answer(body=frames.rows(b"x")[9:], rows=1)


@pytest.fixture
def script() -> Script:
    return logged_in(READ_ORDERS)


def asked(script: Script) -> list[tuple[int, str]]:
    """Stream and text of the questions that Keyspaces was sent."""
    seen = [(frame.stream, _text(frame)) for frame in script.to_upstream]
    script.to_upstream.clear()
    return seen


def _text(frame: Seen) -> str:
    assert frame.opcode == 0x07
    (length,) = struct.unpack_from(">i", frame.body)
    return frame.body[4 : 4 + length].decode()


def parameters(frame: Seen) -> tuple[int, int, int, bytes]:
    """Consistency, flags, page size and paging state of a question."""
    (length,) = struct.unpack_from(">i", frame.body)
    consistency, flags, size = struct.unpack_from(">HBi", frame.body, 4 + length)
    return consistency, flags, size, frame.body[4 + length + 7 :]


def formatting(script: Script) -> Inquiry:
    """What is to be written down now."""
    command = script.others.popleft()
    assert isinstance(command, FormatDescription)
    return command.inquiry


def described(answer: Answer = ANSWER) -> MakeEvent:
    return happens(Described, answer=answer)


def test_a_describe_asks_keyspaces_has_it_written_and_answers(script: Script) -> None:
    script >> client(query(KEYSPACES, stream=7))
    (frame,) = script.to_upstream
    assert parameters(frame) == (0x06, 0x04, 5000, b"")
    assert asked(script) == [(FIRST, "SELECT * FROM system_schema.keyspaces")]
    script >> upstream(result("keyspaces", ROWS, stream=FIRST))
    inquiry = formatting(script)
    assert inquiry.description.subject is Subject.KEYSPACES
    assert [page.table for page in inquiry.pages] == ["keyspaces"]
    assert inquiry.pages[0].body == result("keyspaces", ROWS, stream=0)[9:]
    script << quiet()
    script.now += 0.5
    script >> described(Answer(body=ANSWER.body, rows=3)) << to_client("RESULT", stream=7)
    script << audit(
        "statement",
        opcode="QUERY",
        stream=7,
        form="DESCRIBE",
        outcome="ok",
        allowed=True,
        resources=[],
        statement=KEYSPACES,
        rows=3,
        latency_ms=500.0,
        answered_by="agent",
        error_code=None,
        response_bytes=9 + len(ANSWER.body),
    )
    script >> client(query(SELECT, stream=7)) << forward(query(SELECT, stream=7)) << quiet()


def test_what_is_known_is_asked_of_nobody(script: Script) -> None:
    script >> client(query("DESCRIBE CLUSTER", stream=1))
    assert formatting(script).pages == ()
    script >> described() << to_client("RESULT", stream=1)


def test_pages_are_asked_for_one_by_one(script: Script) -> None:
    script >> client(query(KEYSPACES))
    script.to_upstream.clear()
    script >> upstream(result("keyspaces", ROWS, stream=FIRST, paging_state=b"more"))
    (frame,) = script.to_upstream
    assert (frame.stream, parameters(frame)) == (FIRST, (0x06, 0x0C, 5000, struct.pack(">i", 4) + b"more"))
    script.to_upstream.clear()
    script >> upstream(result("keyspaces", ROWS, stream=FIRST))
    assert len(formatting(script).pages) == 2


def test_answers_come_in_any_order_and_in_pieces(script: Script) -> None:
    script >> client(query("DESCRIBE TABLE orders.items", stream=3))
    streams = {text.split(".")[1].split()[0]: stream for stream, text in asked(script)}
    assert list(streams) == ["keyspaces", "tables", "columns", "indexes", "views"]
    rows = {"keyspaces": ROWS, **table("orders", "items", comment="x" * 5000), "indexes": [], "views": []}
    answers = b"".join(result(name, rows[name], stream=streams[name]) for name in reversed(streams))
    for start in range(0, len(answers), 100):
        script >> upstream(answers[start : start + 100])
    inquiry = formatting(script)
    assert {page.table: page.body for page in inquiry.pages} == {
        name: result(name, rows[name], stream=0)[9:] for name in streams
    }
    script << quiet()


def test_the_keyspace_in_use_is_described(script: Script) -> None:
    script >> client(query("USE orders", stream=1)) >> upstream(frames.set_keyspace("orders", stream=1))
    script.to_upstream.clear()
    script >> client(query("DESCRIBE TABLES", stream=1))
    assert (FIRST - 1, "SELECT * FROM system_schema.tables WHERE keyspace_name = 'orders'") in asked(script)


# The barrier.


def test_it_waits_for_what_is_in_flight_and_what_comes_behind_waits_for_it(script: Script) -> None:
    script >> client(query(SELECT, stream=1), query(KEYSPACES, stream=2), query(SELECT, stream=3))
    script << forward(query(SELECT, stream=1)) << quiet()
    script >> upstream(frames.rows(b"x", stream=1))
    script.to_client.clear()
    script.audits.clear()
    assert [stream for stream, _ in asked(script)] == [FIRST]
    script >> upstream(result("keyspaces", ROWS, stream=FIRST))
    formatting(script)
    script << quiet()
    script >> described() << to_client("RESULT", stream=2) << forward(query(SELECT, stream=3))


def test_heartbeats_are_answered_meanwhile(script: Script) -> None:
    script >> client(query(KEYSPACES, stream=1), frames.options(stream=2)) << to_client("SUPPORTED", stream=2)


def test_it_waits_for_a_register_and_one_that_comes_meanwhile_keeps_its_answer(script: Script) -> None:
    script >> client(register(stream=4), query(KEYSPACES, stream=5))
    assert [frame.opcode for frame in script.to_upstream] == [0x0B]
    script.to_upstream.clear()
    script >> upstream(frames.response(0x02, stream=4)) << to_client("READY", stream=4)
    assert [stream for stream, _ in asked(script)] == [FIRST]

    other = logged_in(READ_ORDERS)
    other >> client(query(KEYSPACES, stream=5), register(stream=6))
    other >> upstream(frames.response(0x02, stream=6), result("keyspaces", ROWS, stream=FIRST))
    other << to_client("READY", stream=6)
    formatting(other)

    third = logged_in(READ_ORDERS)
    third >> client(query(KEYSPACES, stream=5), register(stream=FIRST)) << refused(0x1001, stream=FIRST)


def test_its_stream_is_taken_until_it_is_answered(script: Script) -> None:
    script >> client(query(KEYSPACES, stream=5))
    script >> client(query(SELECT, stream=5)) << refused(0x000A, stream=5, says="carries a request already")


def test_it_cannot_be_prepared_nor_traced(script: Script) -> None:
    script >> client(prepare(KEYSPACES, stream=1)) << refused(0x2200, stream=1, says="DESCRIBE cannot be prepared")
    script >> client(query(KEYSPACES, stream=1, tracing=True)) << refused(0x2200, stream=1, says="tracing")


# Failures.


def test_what_does_not_exist_is_told_and_the_session_lives(script: Script) -> None:
    script >> client(query("DESCRIBE CLUSTER", stream=1))
    formatting(script)
    script >> happens(DescriptionFailed, message="'x' not found in keyspaces", code=0x2200)
    script << refused(0x2200, stream=1, says="'x' not found in keyspaces")
    script << audit("statement", outcome="error", error_code="0x2200", allowed=True, answered_by="agent")
    script >> client(query(SELECT)) << forward(query(SELECT)) << quiet()


@pytest.mark.parametrize(
    ("code", "told"), [(0x1001, 0x1001), (0x2100, 0x2100), (0x2200, 0x2200), (0x1200, 0x0000), (0x2500, 0x0000)]
)
def test_an_error_of_keyspaces_is_told_once_all_answers_came(script: Script, code: int, told: int) -> None:
    script >> client(query("DESCRIBE TABLES", stream=1))
    streams = [stream for stream, _ in asked(script)]
    script >> upstream(frames.error(code, "no", stream=streams[0])) << quiet()
    script >> client(query(SELECT, stream=2)) << quiet()
    script >> upstream(result("tables", [], stream=streams[1], paging_state=b"more"))
    script << refused(told, stream=1, says="did not answer the agent's question for its schema: no")
    script << audit("statement", outcome="error", error_code=f"0x{told:04x}", answered_by="agent")
    script << forward(query(SELECT, stream=2)) << quiet()


def test_a_schema_that_is_too_large_is_not_kept(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(describing, "MAXIMUM_SCHEMA_BYTES", 8000)
    script >> client(query(KEYSPACES, stream=1))
    script.to_upstream.clear()
    page = result("keyspaces", ROWS * 30, stream=FIRST, paging_state=b"more")
    assert 2700 < len(page) < 4000
    for _ in range(2):
        script >> upstream(page)
        assert asked(script)
    for start in range(0, len(page), 1000):
        script >> upstream(page[start : start + 1000])
    script << refused(0x2200, stream=1, says="name a keyspace or a table")
    script << audit("statement", outcome="error") << quiet()
    script >> client(query(SELECT)) << forward(query(SELECT))


WITHOUT_ROWS = frames.void(stream=FIRST)


@pytest.mark.parametrize(
    "nonsense",
    [
        WITHOUT_ROWS,
        frames.response(0x02, stream=FIRST),
        frames.rows(b"x", stream=0),
        frames.rows(b"x", stream=9),
        frames.response(0x08, struct.pack(">iii", 2, 2, 1), stream=FIRST),
    ],
)
def test_nonsense_of_keyspaces_ends_the_session(script: Script, nonsense: bytes) -> None:
    script >> client(query(KEYSPACES, stream=9)) >> upstream(nonsense)
    script << audit("statement", outcome="lost") << audit("session.end", reason="UpstreamProtocolError")
    script << refused(0x0000, stream=9) << closed()


def test_nothing_may_come_while_the_answer_is_written(script: Script) -> None:
    script >> client(query("DESCRIBE CLUSTER", stream=9))
    formatting(script)
    script >> upstream(frames.rows(b"x", stream=9))
    script << audit("statement", outcome="lost") << audit("session.end", reason="UpstreamProtocolError")


def test_keyspaces_and_the_agent_have_so_long(script: Script) -> None:
    script >> client(query(KEYSPACES, stream=1))
    script.wait(DESCRIBE_SECONDS - 0.1)
    assert not script.session.over
    script.wait(0.2)
    script << audit("statement", outcome="lost", answered_by="agent")
    script << audit("session.end", reason="DescribeTimeout") << refused(0x0000, stream=1, says="not described in time")
    script << closed()


ENDINGS: list[tuple[MakeEvent, str]] = [
    (happens(ClientClosed), "ClientClosed"),
    (happens(UpstreamClosed, reason="reset"), "UpstreamClosed"),
]


@pytest.mark.parametrize(("ends", "reason"), ENDINGS)
@pytest.mark.parametrize("written", [False, True])
def test_an_end_of_either_side_ends_it(script: Script, ends: MakeEvent, reason: str, written: bool) -> None:
    script >> client(query(KEYSPACES, stream=1))
    if written:
        script >> upstream(result("keyspaces", ROWS, stream=FIRST))
        formatting(script)
    script >> ends
    script << audit("statement", outcome="lost", form="DESCRIBE") << audit("session.end", reason=reason)
    script.others.clear()
    script.to_client.clear()
    script.to_upstream.clear()
    script >> described() << quiet()


def narrowed() -> MakeEvent:
    return policy_changed(policy(rule("reader/allow/0", "orders", "items", "Select"), revision="r2"))


def widened() -> MakeEvent:
    return policy_changed(policy(READ_ORDERS, rule("other/allow/0", "archive", "*", "Select"), revision="r2"))


@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize("change", [narrowed, lambda: policy_changed(policy(granted=False, revision="r2"))])
def test_nothing_is_described_by_a_grant_that_is_no_longer_in_force(
    script: Script, change: Callable[[], MakeEvent], written: bool
) -> None:
    script >> client(query(KEYSPACES, stream=1))
    script.to_upstream.clear()
    if not written:
        script >> change()
    script >> upstream(result("keyspaces", ROWS, stream=FIRST))
    formatting(script)
    if written:
        script >> change()
    script >> described() << refused(0x1001, stream=1, says="send the statement again")
    script << audit("statement", outcome="error", form="DESCRIBE", error_code="0x1001")


@pytest.mark.parametrize("change", [lambda: happens(Drain), widened])
def test_what_was_accepted_is_answered_before_the_session_ends(script: Script, change: Callable[[], MakeEvent]) -> None:
    script >> client(query(KEYSPACES, stream=1)) >> change()
    script.to_upstream.clear()
    script << quiet()
    script >> upstream(result("keyspaces", ROWS, stream=FIRST))
    formatting(script)
    script >> described() << to_client("RESULT", stream=1) << audit("statement", outcome="ok")
    script.wait(5)
    assert script.session.over


def test_a_describe_of_a_session_without_a_grant_is_refused(script: Script) -> None:
    script >> policy_changed(policy(granted=False, revision="r2"))
    script.audits.clear()
    script >> client(query(KEYSPACES, stream=1)) << refused(0x2100, stream=1)
    assert not script.to_upstream


def test_stray_events_are_ignored(script: Script) -> None:
    script >> described() << quiet()
    script >> happens(DescriptionFailed, message="late", code=0x2200) << quiet()


def test_an_agent_has_so_many_under_way_over_all_sessions() -> None:
    shared = Shared()
    scripts = [logged_in(READ_ORDERS, shared=shared) for _ in range(MAXIMUM_DESCRIPTIONS + 1)]
    for script in scripts:
        script >> client(query("DESCRIBE SCHEMA", stream=1))
    scripts[-1] << refused(0x1001, stream=1, says="as many descriptions as it can")
    assert not scripts[-1].session.over
    scripts[0] >> happens(ClientClosed)
    scripts[-1].audits.clear()
    scripts[-1] >> client(query("DESCRIBE SCHEMA", stream=2))
    assert scripts[-1].to_upstream
