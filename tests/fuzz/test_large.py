"""The largest inputs that an agent takes, which no fuzzer grows to: none takes longer than a second, none is kept.

Time is that of this thread alone, as in `tests.fuzz.checked`.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest

from keyward_proxy.cql.cache import MAXIMUM_STATEMENT_BYTES
from keyward_proxy.cql.lexer import MAXIMUM_TOKENS
from keyward_proxy.cql.reader import read
from tests.fuzz.checked import checked
from tests.unit.proxy import frames
from tests.unit.proxy.session.script import READ_ORDERS, Script, client, logged_in, policy, rule, upstream

FRAME = policy().database.limits.max_frame_bytes
READ_BYTES = 16 * 1024
INSERT = "INSERT INTO orders.items (a, b) VALUES "


def within_a_second(work: Callable[[bytes], object], data: bytes = b"") -> None:
    checked(work)(data)


# fmt: off
REPEATED = (
    "/*a", "/*", "*/", "/**/", "--\n", "a--", "'a", "''", "$$a", "$$", '"a', '""', "a ", "a-", "a.", "1a", "1-",
    "1111-", "-", "P1", "0x", "(", "\x00", "\U0001f600", "'\U0001f600'", '"\U0001f600"', "NaN ",
)
# fmt: on


@pytest.mark.parametrize("repeated", REPEATED)
def test_every_text_that_is_read_is_read_in_time(repeated: str) -> None:
    for opening in ("", "SELECT ", f"{INSERT}(", "SELECT * FROM a.b WHERE c = "):
        text = opening + repeated * ((MAXIMUM_STATEMENT_BYTES - len(opening)) // len(repeated.encode()))
        within_a_second(lambda _, text=text: read(text, "ks"))  # type: ignore[misc]


def batches() -> dict[str, bytes]:
    values = INSERT + "(1, [" + "1," * 7000 + "1])"
    return {
        "few long children": frames.batch(*[INSERT + "(1, [" + "1," * 30_000 + "1])"] * (FRAME // 61_000)),
        "many children": frames.batch(*[f"{values} /*{number:9}*/" for number in range(FRAME // 14_100)]),
        "unreadable children": frames.batch(*["/*a" * 5000] * 1000),
        "children on tables of their own": frames.batch(
            *[f"INSERT INTO orders.t{number} (a) VALUES (1) IF NOT EXISTS" for number in range(1024)]
        ),
        "a batch as text": frames.query(
            "BEGIN BATCH "
            + "".join(f"INSERT INTO k.t{number} JSON ? IF NOT EXISTS;" for number in range(MAXIMUM_TOKENS // 11))
            + "APPLY BATCH"
        ),
        "a text as long as a frame": frames.query("/*a" * (FRAME // 3 - 10)),
        "a literal as long as a frame": frames.query(f"{INSERT}(1, '{'x' * (FRAME - 100)}')"),
    }


def everything() -> Script:
    return logged_in(rule("all/allow/0", "*", "*", "Select", "Modify"))


@pytest.mark.parametrize("name", batches())
def test_a_request_as_long_as_a_frame_is_read_in_time(name: str) -> None:
    sent, script = batches()[name], everything()
    assert len(sent) <= FRAME + 9
    within_a_second(lambda data: script >> client(data), sent)


def test_what_waits_behind_a_use_is_read_in_time() -> None:
    script = everything()
    script >> client(frames.query("USE orders", stream=1))
    script >> client(*[frames.query("/*a" * 10_000, stream=number) for number in range(2, 34)])
    within_a_second(lambda data: script >> upstream(data), frames.set_keyspace("orders", stream=1))
    assert len(script.to_client) > 30


def test_a_use_that_waits_is_read_once() -> None:
    script = everything()
    script >> client(frames.query("SELECT a FROM orders.items", stream=1))
    script >> client(frames.query(f"USE orders /*{'x' * 900_000}*/", stream=2))
    answer = frames.rows(b"x" * 4_000_000, stream=1)

    def in_pieces(_: bytes) -> None:
        for start in range(0, len(answer), READ_BYTES):
            script >> upstream(answer[start : start + READ_BYTES])

    within_a_second(in_pieces)
    assert [frame.stream for frame in script.to_upstream] == [1, 2]


def kept_by(work: Callable[[], object]) -> int:
    """Bytes that are still held once the work is done."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        work()
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


def test_a_session_keeps_little_of_what_it_prepares() -> None:
    script = logged_in(READ_ORDERS)
    columns = ",".join(["key"] * 32_000)

    def prepare() -> None:
        for number in range(40):
            script >> client(frames.prepare(f"SELECT {columns} FROM system.local /*{number}*/", stream=1))
            script >> client(frames.prepare(f"SELECT key FROM system.local /*{number}*/ {chr(32) * 16_000}", stream=1))
            script.to_client.clear()
            script.audits.clear()

    assert kept_by(prepare) < 16 * 1024 * 1024


def test_a_session_keeps_little_of_what_it_is_denied() -> None:
    script = logged_in(READ_ORDERS)

    def ask() -> None:
        for number in range(40):
            tables = "".join(f"INSERT INTO k.t{number}_{other} JSON ?;" for other in range(2000))
            script >> client(frames.query(f"BEGIN BATCH {tables} APPLY BATCH", stream=1))
            script.to_client.clear()
            script.audits.clear()

    assert kept_by(ask) < 16 * 1024 * 1024
