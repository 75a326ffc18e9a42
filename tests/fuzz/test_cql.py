"""Texts that nobody meant, and texts that somebody meant to mislead."""

from __future__ import annotations

import contextlib
import time

from hypothesis import given
from hypothesis import strategies as st

from keyward_proxy.cql.errors import UnreadableStatement
from keyward_proxy.cql.lexer import END, TokenStream
from keyward_proxy.cql.reader import read
from keyward_proxy.cql.redaction import redact
from keyward_proxy.cql.statement import Refusal, Statement

KEYWORDS = (
    "SELECT INSERT INTO UPDATE DELETE FROM WHERE SET USE USING AND IF NOT EXISTS JSON DISTINCT VALUES TOKEN LIMIT "
    "COUNT CAST AS ORDER BY GROUP PER PARTITION ALLOW FILTERING CONTAINS KEY IN LIKE true null NaN ks t a b int"
)
MARKS = """( ) [ ] { } , ; : . * ? = < > + - += -= != 1 -1 1.5 'x' $$y$$ "Q" 0x1F 1d P1D /* */ -- // ' " $ $$"""
WORDS = st.sampled_from([*KEYWORDS.split(), *MARKS.split(), "\n"])
SOUP = st.lists(WORDS, max_size=40).map(" ".join)
TIGHT_SOUP = st.lists(WORDS, max_size=40).map("".join)
TEXTS = st.one_of(st.text(max_size=200), SOUP, TIGHT_SOUP)

# Between two tokens anything may stand that Cassandra takes for blank, however it looks.
BLANKS = st.lists(
    st.sampled_from(
        [" ", "\n", "\t", "\r\n", "/**/", "/* FROM x.y */", "/* ' */", '/* " */', "-- FROM x.y\n", "// '\r", "/*/ . */"]
    ),
    min_size=1,
    max_size=4,
).map("".join)
NAMES = st.one_of(
    st.from_regex(r"\A[A-Za-z][A-Za-z0-9_]{0,10}\Z").map(lambda name: (f"n_{name}", f"n_{name}".lower())),
    st.text(min_size=1, max_size=10).map(lambda name: ('"' + name.replace('"', '""') + '"', name)),
)
STRINGS = st.one_of(
    st.text(max_size=20).map(lambda text: "'" + text.replace("'", "''") + "'"),
    st.text(max_size=20).filter(lambda text: "$" not in text).map(lambda text: f"$${text}$$"),
)


@given(TEXTS, st.sampled_from([None, "ks"]))
def test_reading_never_raises(text: str, keyspace: str | None) -> None:
    assert isinstance(read(text, keyspace), Statement | Refusal)


@given(TEXTS)
def test_tokens_and_blanks_are_the_whole_text(text: str) -> None:
    with contextlib.suppress(UnreadableStatement):
        tokens, position = TokenStream(text), 0
        while tokens.kind != END:
            assert position <= tokens.start < tokens.start + len(tokens.value)
            assert text[tokens.start :].startswith(tokens.value)
            between = text[position : tokens.start]
            assert not between.strip() or any(mark in between for mark in ("--", "//", "/*"))
            position = tokens.start + len(tokens.value)
            tokens.advance()


@given(TEXTS)
def test_the_lexer_ends_or_says_why(text: str) -> None:
    with contextlib.suppress(UnreadableStatement):
        tokens = TokenStream(text)
        while tokens.kind != END:
            tokens.advance()


@given(NAMES, NAMES, STRINGS, st.lists(BLANKS, min_size=12, max_size=12))
def test_nothing_between_or_inside_tokens_moves_the_table(
    keyspace: tuple[str, str], table: tuple[str, str], literal: str, blanks: list[str]
) -> None:
    parts = ["SELECT", literal, "AS", '"FROM x.y"', "FROM", keyspace[0], ".", table[0], "WHERE", "a", "=", literal]
    reading = read("".join(part + blank for part, blank in zip(parts, blanks, strict=True)), "other")
    assert isinstance(reading, Statement), reading
    assert [(access.keyspace, access.table) for access in reading.accesses] == [(keyspace[1], table[1])]


@given(STRINGS, st.lists(BLANKS, min_size=4, max_size=4))
def test_no_literal_survives_redaction(literal: str, blanks: list[str]) -> None:
    redacted = redact(f"a{blanks[0]}={blanks[1]}{literal}{blanks[2]}b{blanks[3]}", limit=10_000)
    assert "".join(redacted.split()) == "a=?b"


def test_a_long_text_takes_no_longer_than_its_length() -> None:
    started = time.process_time()
    for text in (
        "SELECT " + "/*" * 500_000,
        "SELECT " + "'" * 999_999,
        "SELECT " + '"' * 999_999,
        "SELECT " + "$" * 999_999,
        "SELECT " + "-" * 999_999,
        "SELECT " + "1" * 999_999 + "x",
        "SELECT " + "1d" * 500_000 + "x",
        "SELECT " + "f" * 999_999,
        "SELECT " + " \n" * 500_000,
        "SELECT " + "(" * 999_999,
        "SELECT " + "a," * 500_000,
        "INSERT INTO a.b (c) VALUES ('" + "x" * 999_999 + "')",
    ):
        read(text, None)
    assert time.process_time() - started < 10
