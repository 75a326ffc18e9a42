"""Requests and answers after the login."""

from __future__ import annotations

import struct

import pytest
from cassandra import ConsistencyLevel

from keyward_proxy.session.commands import FormatDescription
from keyward_proxy.session.events import ClientClosed, DescriptionFailed, UpstreamClosed
from tests.unit.proxy import frames
from tests.unit.proxy.frames import prepare, query
from tests.unit.proxy.session.script import (
    APP,
    READ_ORDERS,
    Script,
    audit,
    client,
    closed,
    command,
    forward,
    happens,
    logged_in,
    passes_back,
    quiet,
    refused,
    rule,
    to_client,
    upstream,
)

WRITE_ITEMS = rule("writer/allow/0", "orders", "items", "Modify")
SELECT = "SELECT id FROM orders.items"
INSERT = "INSERT INTO orders.items (id) VALUES ('secret')"


@pytest.fixture
def script() -> Script:
    return logged_in(READ_ORDERS)


def test_a_read_inside_the_grant_passes_both_ways_and_is_audited(script: Script) -> None:
    script >> client(query(SELECT, stream=7)) << forward(query(SELECT, stream=7)) << quiet()
    script.now += 0.25
    script >> upstream(frames.rows(b"a", b"b", stream=7)) << passes_back(frames.rows(b"a", b"b", stream=7))
    script << audit(
        "statement",
        opcode="QUERY",
        stream=7,
        form="SELECT",
        outcome="ok",
        allowed=True,
        resources=["Select orders.items"],
        statement=SELECT,
        rows=2,
        latency_ms=250.0,
        consistency="LOCAL_QUORUM",
        requested_consistency=None,
        identity=APP.username,
        db_user="Reader",
        aws_session_name="shop@app",
        answered_by="keyspaces",
        request_bytes=len(query(SELECT)),
        response_bytes=len(frames.rows(b"a", b"b")),
    )
    script.done()


def test_a_write_outside_the_grant_is_refused_and_the_session_lives(script: Script) -> None:
    script >> client(query(INSERT, stream=7))
    script << audit(
        "statement",
        outcome="denied",
        allowed=False,
        error_code="0x2100",
        resources=["Modify orders.items"],
        statement="INSERT INTO orders.items (id) VALUES (?)",
        answered_by="agent",
    )
    script << refused(
        0x2100,
        stream=7,
        says="system:serviceaccount:shop:app may not Modify orders.items on database payments/orders as IAM role "
        "'Reader': ask the owner of namespace payments for a KeyspacesRole rule with dbUsers [Reader], "
        "keyspaces [orders], tables [items], permissions [Modify]",
    )
    script >> client(query(SELECT, stream=8)) << forward(query(SELECT, stream=8)) << quiet()


def test_a_deny_names_its_rule() -> None:
    script = logged_in(READ_ORDERS, deny=(rule("locked/deny/0", "orders", "cards", "Select"),))
    script >> client(query("SELECT * FROM orders.cards", stream=1))
    script << refused(0x2100, stream=1, says="rule locked/deny/0 denies it")
    assert script.audits[0].decision.rule == "locked/deny/0"


def test_two_sessions_with_different_grants_get_different_verdicts_on_the_same_text() -> None:
    reader, writer = logged_in(READ_ORDERS), logged_in(READ_ORDERS, WRITE_ITEMS)
    reader >> client(query(INSERT)) << refused(0x2100)
    writer >> client(query(INSERT)) << forward(query(INSERT))


def test_a_conditional_write_needs_select_too() -> None:
    script = logged_in(WRITE_ITEMS)
    text = "UPDATE orders.items SET a = 1 WHERE id = 1 IF a = 2"
    script >> client(query(text, stream=1)) << refused(0x2100, stream=1, says="may not Select orders.items")
    script << audit("statement", form="UPDATE IF", resources=["Select orders.items", "Modify orders.items"])


@pytest.mark.parametrize("version", [3, 4])
def test_an_error_of_keyspaces_is_passed_and_its_code_audited(version: int) -> None:
    script = logged_in(READ_ORDERS, version=version)
    script >> client(query(SELECT, stream=1, version=version))
    answer = frames.error(0x2200, "unconfigured table", stream=1, version=version)
    script >> upstream(answer) << passes_back(answer) << forward(query(SELECT, stream=1, version=version))
    script << audit("statement", outcome="error", error_code="0x2200", allowed=True)
    script.done()


# Consistency.


@pytest.mark.parametrize(
    ("text", "asked", "sent"),
    [
        (SELECT, ConsistencyLevel.ONE, ConsistencyLevel.ONE),
        (SELECT, ConsistencyLevel.LOCAL_ONE, ConsistencyLevel.LOCAL_ONE),
        (SELECT, ConsistencyLevel.QUORUM, ConsistencyLevel.LOCAL_QUORUM),
        (SELECT, ConsistencyLevel.ALL, ConsistencyLevel.LOCAL_QUORUM),
        (SELECT, ConsistencyLevel.SERIAL, ConsistencyLevel.SERIAL),
        (INSERT, ConsistencyLevel.ONE, ConsistencyLevel.LOCAL_QUORUM),
        (INSERT, ConsistencyLevel.ANY, ConsistencyLevel.LOCAL_QUORUM),
        (INSERT, ConsistencyLevel.LOCAL_QUORUM, ConsistencyLevel.LOCAL_QUORUM),
        ("USE orders", ConsistencyLevel.ANY, ConsistencyLevel.LOCAL_QUORUM),
    ],
)
def test_levels_that_keyspaces_lacks_become_local_quorum_and_the_audit_says_so(
    text: str, asked: int, sent: int
) -> None:
    script = logged_in(READ_ORDERS, WRITE_ITEMS)
    script >> client(query(text, stream=1, consistency=asked))
    script << forward(query(text, stream=1, consistency=sent))
    script >> upstream(frames.void(stream=1))
    names = ConsistencyLevel.value_to_name
    script << audit(
        "statement",
        consistency=names[sent],
        requested_consistency=names[asked] if asked != sent else None,
    )


def test_a_level_in_the_middle_of_a_run_is_patched_alone(script: Script) -> None:
    before, after = query(SELECT, stream=1), query(SELECT, stream=3)
    script >> client(before, query(SELECT, stream=2, consistency=ConsistencyLevel.QUORUM), after)
    script << forward(before, query(SELECT, stream=2), after)
    assert len(script.slices_upstream) == 1


def test_a_payload_in_front_moves_the_level_and_the_text(script: Script) -> None:
    payload = {"key": b"\0" * 40, "other": b"SELECT * FROM a.b"}
    script >> client(query(SELECT, stream=1, consistency=ConsistencyLevel.TWO, payload=payload))
    script << forward(query(SELECT, stream=1, payload=payload))
    script >> client(query(INSERT, stream=2, payload=payload)) << refused(0x2100, stream=2)


def test_a_level_of_no_protocol_is_refused(script: Script) -> None:
    script >> client(query(SELECT, stream=1, consistency=0x77)) << refused(0x000A, stream=1, says="0x0077")
    script << audit("statement", outcome="denied") << quiet()


# Runs of frames.


def test_a_read_full_of_allowed_frames_leaves_as_it_came(script: Script) -> None:
    data = b"".join(query(SELECT, stream=stream) for stream in range(50))
    script >> client(data)
    assert [bytes(piece) for piece in script.slices_upstream] == [data]
    assert script.slices_upstream[0] is not None
    answers = b"".join(frames.rows(b"x", stream=stream) for stream in range(50))
    script >> upstream(answers)
    assert len(script.audits) == 50


def test_a_denied_frame_is_cut_out_of_the_run(script: Script) -> None:
    script >> client(query(SELECT, stream=1), query(INSERT, stream=2), query(SELECT, stream=3))
    script << forward(query(SELECT, stream=1), query(SELECT, stream=3)) << refused(0x2100, stream=2)


def test_a_long_answer_is_passed_on_piece_by_piece(script: Script) -> None:
    script >> client(query(SELECT, stream=1), query(SELECT, stream=2))
    script.to_upstream.clear()
    answer = frames.rows(*[b"v" * 1000] * 100, stream=1) + frames.rows(b"z", stream=2)
    for start in range(0, len(answer), 4096):
        script >> upstream(answer[start : start + 4096])
        assert script._client_rest or script.to_client
    script << passes_back(answer)
    script << audit("statement", stream=1, rows=100, response_bytes=len(frames.rows(*[b"v" * 1000] * 100)))
    script << audit("statement", stream=2, rows=1)
    script.done()


# USE.


def test_use_waits_for_quiet_and_nothing_follows_until_it_is_answered(script: Script) -> None:
    use, unqualified = query("USE orders", stream=2), query("SELECT * FROM items", stream=3)
    script >> client(query(SELECT, stream=1), use, unqualified, frames.options(stream=4))
    script << forward(query(SELECT, stream=1)) << to_client("SUPPORTED", stream=4) << quiet()
    script >> upstream(frames.rows(b"x", stream=1)) << passes_back(frames.rows(b"x", stream=1)) << forward(use)
    script << audit("statement", stream=1)
    script << quiet()
    script >> upstream(frames.set_keyspace("orders", stream=2))
    script << passes_back(frames.set_keyspace("orders", stream=2)) << forward(unqualified)
    script << audit("statement", form="USE", outcome="ok") << quiet()
    script >> upstream(frames.rows(stream=3)) << audit("statement", resources=["Select orders.items"])


def test_a_use_that_waited_is_sent_as_it_came_but_for_its_level(script: Script) -> None:
    use = query("USE orders", stream=2, consistency=ConsistencyLevel.ANY)
    script >> client(query(SELECT, stream=1), use) << forward(query(SELECT, stream=1))
    script >> upstream(frames.rows(b"x", stream=1)) << passes_back(frames.rows(b"x", stream=1))
    script << forward(query("USE orders", stream=2, consistency=ConsistencyLevel.LOCAL_QUORUM))


def test_a_pipelined_statement_is_judged_in_the_keyspace_it_will_run_in() -> None:
    script = logged_in(READ_ORDERS)
    script >> client(query("USE orders", stream=1)) >> upstream(frames.set_keyspace("orders", stream=1))
    script.to_client.clear()
    script >> client(query("USE secrets", stream=2), query("SELECT * FROM items", stream=3))
    (
        script
        >> upstream(frames.set_keyspace("secrets", stream=2))
        << passes_back(frames.set_keyspace("secrets", stream=2))
    )
    script << refused(0x2100, stream=3, says="secrets.items")


def test_a_use_that_failed_changes_nothing(script: Script) -> None:
    script >> client(query("USE orders", stream=1), query("SELECT * FROM items", stream=2))
    answer = frames.error(0x2200, "unconfigured keyspace", stream=1)
    script >> upstream(answer) << passes_back(answer)
    script << refused(0x2200, stream=2, says="no keyspace is in use for table 'items'")


def test_the_keyspace_is_what_keyspaces_says_not_what_was_asked(script: Script) -> None:
    script >> client(query("USE orders", stream=1)) >> upstream(frames.set_keyspace("other", stream=1))
    script.to_client.clear()
    script >> client(query("SELECT * FROM items", stream=2)) << refused(0x2100, stream=2, says="other.items")


def test_several_uses_in_one_read_are_done_one_by_one(script: Script) -> None:
    uses = [query(f"USE k{number}", stream=number) for number in range(3)]
    script >> client(*uses)
    for number, use in enumerate(uses):
        script << forward(use)
        assert not script.to_upstream
        script >> upstream(frames.set_keyspace(f"k{number}", stream=number))
    assert len(script.audits) == 3


def test_a_second_use_behind_a_statement_waits_for_that_statement(script: Script) -> None:
    first, read, second, last = (
        query(text, stream=stream)
        for stream, text in enumerate(["USE orders", "SELECT * FROM a", "USE other", "SELECT * FROM a"])
    )
    script >> client(first, read, second, last) << forward(first) << quiet()
    script >> upstream(frames.set_keyspace("orders", stream=0))
    script << passes_back(frames.set_keyspace("orders", stream=0)) << forward(read)
    script.audits.clear()
    script << quiet()
    script >> upstream(frames.rows(stream=1)) << passes_back(frames.rows(stream=1)) << forward(second)
    script >> upstream(frames.set_keyspace("other", stream=2))
    script << passes_back(frames.set_keyspace("other", stream=2)) << refused(0x2100, stream=3, says="other.a")


def test_use_cannot_be_prepared(script: Script) -> None:
    script >> client(prepare("USE orders", stream=1)) << refused(0x2200, stream=1, says="USE cannot be prepared")


def test_what_is_held_behind_a_use_is_bounded(script: Script) -> None:
    script >> client(query("USE orders", stream=0))
    text = f"SELECT * FROM items WHERE a = '{'x' * 60_000}'"
    for stream in range(1, 40):
        script >> client(query(text, stream=stream))
    assert {seen.message.code for seen in script.to_client} == {0x1001}
    assert 20 <= len(script.to_client) <= 25
    script >> upstream(frames.set_keyspace("orders", stream=0))
    assert len(script.to_upstream) + len(script.to_client) == 41


# What is answered here, and what is refused.


@pytest.mark.parametrize("allowed", [None, False])
def test_tracing_is_refused_unless_a_role_allows_it(allowed: bool | None) -> None:
    script = logged_in(READ_ORDERS, options={"allowTracing": allowed})
    script >> client(query(SELECT, stream=1, tracing=True)) << refused(0x2200, stream=1, says="options.allowTracing")
    script << audit("statement", outcome="denied")
    script >> client(query("SELECT * FROM system_traces.events", stream=1)) << refused(0x2100, stream=1)
    assert not script.to_upstream


def test_where_a_role_allows_tracing_traces_pass_and_may_be_read() -> None:
    script = logged_in(READ_ORDERS, options={"allowTracing": True})
    sent = query(SELECT, stream=1, tracing=True)
    traced = frames.rows(b"x", stream=1, flags=0x02, prefix=bytes(range(16)))
    script >> client(sent) << forward(sent) >> upstream(traced) << passes_back(traced)
    script << audit("statement", outcome="ok", rows=1)
    reading = query("SELECT * FROM system_traces.events WHERE session_id = 1", stream=2)
    script >> client(reading) << forward(reading)
    (
        script
        >> client(query("DELETE FROM system_traces.events WHERE session_id = 1", stream=3))
        << refused(0x2100, stream=3)
    )


@pytest.mark.parametrize("text", ["SELECT", "EXPLAIN a.b", "SELECT * FROM a.b; SELECT 1", "\u2028", ""])
def test_what_is_not_understood_goes_nowhere(script: Script, text: str) -> None:
    script >> client(query(text, stream=1))
    assert script.to_client.popleft().message.code in (0x2000, 0x2100)
    script << audit("statement", outcome="denied", form=None) << quiet()


def test_text_that_is_not_utf_8_is_refused(script: Script) -> None:
    script >> client(query("SELECT * FROM a.b", stream=1).replace(b"a.b", b"a.\xff"))
    script << refused(0x2000, stream=1, says="not UTF-8")


def test_a_literal_is_in_no_record(script: Script) -> None:
    script >> client(query(INSERT), query("CREATE ROLE x WITH PASSWORD = 'secret' -- secret", stream=1))
    script >> client(query("SELECT 'secret", stream=2), query("SELECT * FROM a.b x 'secret'", stream=3))
    assert len(script.audits) == 4
    assert "secret" not in repr(script.audits)


# What breaks the protocol.


def test_two_requests_on_one_stream_end_the_session(script: Script) -> None:
    script >> client(query(SELECT, stream=1), query(SELECT, stream=1))
    script << refused(0x000A, stream=1, says="stream 1 carries a request already")
    script << forward(query(SELECT, stream=1))
    script << refused(0x0000, stream=1, says="may or may not have been run")
    script << audit("statement", outcome="lost") << audit("session.end", reason="ProtocolError") << closed()
    script.done()


def test_a_stream_held_behind_a_use_is_in_use_too(script: Script) -> None:
    script >> client(query("USE a", stream=1), query(SELECT, stream=2), query(SELECT, stream=2))
    script << refused(0x000A, stream=2, says="carries a request already")


@pytest.mark.parametrize(
    "sent",
    [
        frames.startup(stream=3),
        frames.auth_response(b"x", stream=3),
        bytes([4, 0, 0, 3, 0x77, 0, 0, 0, 0]),
        bytes([4, 0, 0, 3, 0x07, 0, 0, 0, 2, 0, 0]),
        query(SELECT, stream=3)[:-1] + b"\x80",
        bytes([4, 0, 0, 3, 0x07, 0, 0, 0, 8]) + struct.pack(">i", -5) + b"\0\0\0\0",
    ],
)
def test_messages_that_have_no_place_or_shape_end_the_session(script: Script, sent: bytes) -> None:
    script >> client(query(SELECT, stream=1), sent)
    script << refused(0x000A, stream=3) << refused(0x0000, stream=1)
    assert script.session.over


def test_frames_before_a_broken_one_are_still_decided(script: Script) -> None:
    script >> client(query(SELECT, stream=1), b"\x07garbage.......")
    script << forward(query(SELECT, stream=1)) << refused(0x000A, stream=0)


def test_a_frame_over_the_cap_is_refused_on_its_header() -> None:
    script = logged_in(READ_ORDERS, limits={"maxFrameBytes": 100_000})
    text = f"SELECT * FROM orders.items WHERE a = '{'x' * 90_000}'"
    script >> client(query(text, stream=1)[:9])
    script >> client(bytes(100)) << quiet()
    other = logged_in(READ_ORDERS, limits={"maxFrameBytes": 100_000})
    other >> client(bytes([4, 0, 0, 1, 7]) + struct.pack(">i", 100_001)) << refused(0x000A, stream=1, says="100001")


@pytest.mark.parametrize(
    "sent",
    [
        frames.rows(stream=9),
        frames.set_keyspace("other", stream=1),
        frames.response(0x02, stream=1),
        frames.rows(stream=1, version=3),
        frames.response(0x08, b"\0", stream=1),
    ],
)
def test_nonsense_from_keyspaces_ends_the_session(script: Script, sent: bytes) -> None:
    script >> client(query(SELECT, stream=1)) >> upstream(sent)
    script << refused(0x0000, stream=1, says="Amazon Keyspaces sent nonsense")
    script << audit("statement", outcome="lost") << audit("session.end", reason="UpstreamProtocolError")


# The end of either side.


def test_a_lost_keyspaces_leaves_no_request_without_an_answer(script: Script) -> None:
    script >> client(query(SELECT, stream=1), query("USE orders", stream=2), query(SELECT, stream=3))
    script >> happens(UpstreamClosed, reason="reset by peer")
    script << forward(query(SELECT, stream=1)) << refused(0x0000, stream=1, says="may or may not have been run")
    script << refused(0x1001, stream=2, says="was not run") << refused(0x1001, stream=3)
    script << audit("statement", stream=1, outcome="lost") << audit("statement", stream=2, outcome="denied")
    script << audit("statement", stream=3, outcome="denied")
    script << audit("session.end", reason="UpstreamClosed", statements=3) << closed(upstream=False)
    script.done()


def test_an_answer_sent_in_part_is_not_followed_by_an_error(script: Script) -> None:
    script >> client(query(SELECT, stream=1), query(SELECT, stream=2))
    answer = frames.rows(b"v" * 1000, stream=1)
    script >> upstream(answer[:500]) >> happens(UpstreamClosed, reason="reset")
    assert script._client_rest == answer[:500]
    assert not script.to_client
    script << audit("statement", stream=1, outcome="lost") << audit("statement", stream=2, outcome="lost")


def test_a_client_that_leaves_is_recorded(script: Script) -> None:
    script >> client(query(SELECT, stream=1))
    script.to_upstream.clear()
    script.now += 5
    script >> happens(ClientClosed, reason="gone") << audit("statement", outcome="lost")
    script << audit(
        "session.end",
        reason="ClientClosed",
        message="gone",
        statements=1,
        duration_seconds=5.0,
        bytes_from_client=len(query(SELECT)),
        bytes_to_client=0,
    )
    script << closed()
    script.done()


BROKEN = struct.pack(">BBhBi", 4, 0, 3, 0x09, 5) + b"\0\0\0\7a"
"""A PREPARE whose text is longer than its frame."""


def test_a_request_that_waited_for_a_use_and_breaks_the_protocol_is_the_clients_fault(script: Script) -> None:
    script >> client(query("USE orders", stream=1), BROKEN) >> upstream(frames.set_keyspace("orders", stream=1))
    script << passes_back(frames.set_keyspace("orders", stream=1)) << refused(0x000A, stream=3, says="ends early")
    script << audit("statement", stream=1, outcome="ok") << audit("session.end", reason="ProtocolError")


def test_a_request_that_waited_for_a_description_and_breaks_the_protocol_ends_the_session(script: Script) -> None:
    script >> client(query("DESCRIBE KEYSPACES", stream=1), BROKEN)
    while script.to_upstream:
        script >> upstream(frames.rows(stream=script.to_upstream.popleft().stream))
    script << command(FormatDescription)
    script >> happens(DescriptionFailed, message="there is none", code=0x2200)
    script << refused(0x2200, stream=1) << refused(0x000A, stream=3, says="ends early")
    script << audit("statement", stream=1, outcome="error") << audit("session.end", reason="ProtocolError")


@pytest.mark.parametrize(
    ("asked", "opcode"),
    [
        (frames.options(stream=2), "SUPPORTED"),
        (query("SELECT * FROM system.local", stream=2), "RESULT"),
        (query(INSERT, stream=2), "ERROR"),
        (frames.register("STATUS_CHANGE", stream=2), "READY"),
    ],
)
def test_what_the_agent_says_waits_for_the_end_of_an_answer_that_is_partly_sent(
    script: Script, asked: bytes, opcode: str
) -> None:
    """Else it would stand inside that answer, and the client would read nonsense from there on."""
    page = frames.rows(b"x" * 60_000, stream=1)
    script >> client(query(SELECT, stream=1)) >> upstream(page[:30_000]) >> client(asked)
    assert not script.to_client
    script >> upstream(page[30_000:])
    script << passes_back(page)
    assert script.to_client.popleft().opcode == {"SUPPORTED": 6, "RESULT": 8, "ERROR": 0, "READY": 2}[opcode]
    assert not script._client_rest


def test_what_waits_for_the_end_of_an_answer_goes_with_the_session(script: Script) -> None:
    page = frames.rows(b"x" * 60_000, stream=1)
    script >> client(query(SELECT, stream=1)) >> upstream(page[:30_000]) >> client(frames.options(stream=2))
    script >> happens(UpstreamClosed, reason="gone") << audit("statement", outcome="lost") << audit("session.end")
    assert script.session.over
    assert script._client_rest == page[:30_000]
