"""Sessions fed with what nobody meant: no exception, no growth, nothing forwarded that was not decided."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.choices import pieces
from tests.fuzz.test_wire import CUTS
from tests.unit.proxy import frames
from tests.unit.proxy.frames import query
from tests.unit.proxy.session.script import (
    READ_ORDERS,
    Script,
    client,
    logged_in,
    new_script,
    policy,
    upstream,
)

ALLOWED = "SELECT * FROM orders.items"
DENIED = "INSERT INTO orders.items (a) VALUES (1)"
TEXTS = st.sampled_from(
    [ALLOWED, DENIED, "USE orders", "USE other", "SELECT * FROM items", "SELECT * FROM system.local", "DROP TABLE x.y"]
)


def snapshot(script: Script) -> tuple[list[object], ...]:
    return list(script.to_client), list(script.to_upstream), list(script.audits), list(script.others)


@given(st.lists(TEXTS, max_size=15), CUTS)
def test_torn_reads_give_the_same_commands(texts: list[str], cuts: list[int]) -> None:
    sent = b"".join(query(text, stream=stream, consistency=stream % 11) for stream, text in enumerate(texts))
    whole, torn = logged_in(READ_ORDERS), logged_in(READ_ORDERS)
    whole >> client(sent)
    for piece in pieces(sent, cuts):
        torn >> client(piece)
    assert snapshot(whole) == snapshot(torn)


@given(st.lists(TEXTS, min_size=1, max_size=15), CUTS)
def test_every_request_is_answered_once_and_audited_once(texts: list[str], cuts: list[int]) -> None:
    script = logged_in(READ_ORDERS)
    script >> client(*(query(text, stream=stream) for stream, text in enumerate(texts)))
    answered = []
    while script.to_upstream:
        seen = script.to_upstream.popleft()
        text = texts[seen.stream]
        answer = frames.rows(b"x" * 50, stream=seen.stream)
        if text.startswith("USE"):
            answer = frames.set_keyspace(text[4:], stream=seen.stream)
        for piece in pieces(answer, cuts):
            script >> upstream(piece)
    answered = sorted(seen.stream for seen in script.to_client)
    assert answered == list(range(len(texts)))
    assert sorted(record.stream for record in script.audits) == answered
    assert not script.session.over


@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=20))
def test_random_bytes_before_a_login(reads: list[bytes]) -> None:
    script = new_script(policy(READ_ORDERS))
    for read in reads:
        script >> client(read)
    assert not script.to_upstream


@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=20), st.sampled_from(range(0x11)))
def test_random_bodies_after_a_login_reach_keyspaces_never(bodies: list[bytes], opcode: int) -> None:
    script = logged_in(READ_ORDERS)
    for stream, body in enumerate(bodies):
        script >> client(bytes([4, 0]) + stream.to_bytes(2) + bytes([opcode]) + len(body).to_bytes(4) + body)
    assert not script.to_upstream


@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=20))
def test_random_answers_of_keyspaces(reads: list[bytes]) -> None:
    script = logged_in(READ_ORDERS)
    script >> client(query(ALLOWED, stream=1), query("USE orders", stream=2))
    for read in reads:
        script >> upstream(bytes([0x84, 0, 0, 1, 8]) + len(read).to_bytes(4) + read)
    streams = [seen.stream for seen in script.to_client]
    assert streams.count(1) <= 2
