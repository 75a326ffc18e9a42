"""Tricks that made other proxies of CQL see another table, or none, than the server.

Each is a fault of cilium's Cassandra parser, or of a class that is known from it, as far as it is about text. Those
about frames (custom payload, tracing, prepared ids, batch values) are tests of `wire` and `session`.
"""

from __future__ import annotations

import pytest

from keyward_proxy.cql.cache import ReadingCache
from keyward_proxy.cql.statement import Statement
from tests.unit.proxy.cql.readings import needs, reading, refusal


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM/**/secret.t",
        "SELECT * FROM secret/**/.t",
        "SELECT * FROM secret./**/t",
        "SELECT/**/*/**/FROM/**/secret/**/./**/t/**/",
        "SELECT * FROM/* public.t */secret.t",
        "SELECT * FROM--public.t\nsecret.t",
        "SELECT * FROM//public.t\rsecret.t",
        "SELECT * FROM /*-- */ secret.t -- */ public.t\n",
        "SELECT * FROM /*/ public.t -- */ secret.t",
        "SELECT * FROM -- /*\n secret.t /* */",
    ],
)
def test_a_comment_inside_or_between_tokens_hides_no_table(text: str) -> None:
    assert needs(text) == ["Select on secret.t"]


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ('SELECT * FROM "Secret"."T"', "Secret.T"),
        ('SELECT * FROM "secret"."T"', "secret.T"),
        ("SELECT * FROM Secret.T", "secret.t"),
        ('SELECT * FROM "public.t"."x"', "public.t.x"),
        ('SELECT * FROM "a""b".c', 'a"b.c'),
        ('SELECT * FROM "select"."from"', "select.from"),
    ],
)
def test_quoted_names_keep_their_letters_and_others_lose_their_case(text: str, table: str) -> None:
    assert needs(text) == [f"Select on {table}"]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 'x from public.t' FROM secret.t",
        "SELECT $$ from public.t $$ FROM secret.t",
        'SELECT a AS "from public.t" FROM secret.t',
        'SELECT "from", "public.t" FROM secret.t',
        "SELECT * FROM secret.t WHERE a = ' from public.t'",
        "SELECT * FROM secret.t WHERE a = $$' from public.t$$",
        "SELECT * FROM secret.t WHERE a = 'it''s from public.t'",
        "SELECT * FROM secret.t WHERE a = '-- ' AND b = ' from public.t'",
        'INSERT INTO secret.t JSON \'{"a": " into public.t "}\'',
        "DELETE FROM secret.t WHERE a = '; DELETE FROM public.t'",
        "UPDATE secret.t SET a = 'update public.t set' WHERE k = 1",
    ],
)
def test_words_in_literals_names_and_aliases_are_no_keywords(text: str) -> None:
    assert {access.split(" on ")[1] for access in needs(text)} == {"secret.t"}


@pytest.mark.parametrize(
    "text",
    [
        "BEGIN BATCH INSERT INTO secret.t (a) VALUES (1) APPLY BATCH",
        "BEGIN BATCH INSERT INTO public.t (a) VALUES (1) INSERT INTO secret.t (a) VALUES (1) APPLY BATCH",
        "BEGIN BATCH UPDATE public.t SET a = 'APPLY BATCH' WHERE k = 1; DELETE FROM secret.t WHERE k = 1 APPLY BATCH",
    ],
)
def test_a_batch_in_a_query_names_each_table(text: str) -> None:
    assert "Modify on secret.t" in needs(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM public.t; SELECT * FROM secret.t",
        "SELECT * FROM public.t;DROP TABLE secret.t",
        "SELECT * FROM public.t\nSELECT * FROM secret.t",
        "USE public; SELECT * FROM t",
        "BEGIN BATCH APPLY BATCH; DELETE FROM secret.t WHERE k = 1",
        "SELECT * FROM public.t -- \n; DELETE FROM secret.t WHERE k = 1",
        "SELECT * FROM public.t, secret.t",
        "SELECT * FROM public.t UNION SELECT * FROM secret.t",
        "SELECT * FROM public.t WHERE k IN (SELECT k FROM secret.t)",
    ],
)
def test_a_second_statement_in_the_text_is_refused(text: str) -> None:
    assert refusal(text).code == 0x2000


@pytest.mark.parametrize(
    "blank", ["\u00a0", "\u2028", "\u3000", "\ufeff", "\0", "\v", "\f", "\u0085", "\u200b", "\x1c"]
)
def test_what_only_other_parsers_take_for_a_blank_is_refused(blank: str) -> None:
    assert "begins nothing that CQL knows" in refusal(f"SELECT * FROM{blank}secret.t").message
    assert "begins nothing that CQL knows" in refusal(f"SELECT * FROM public.t{blank}").message


@pytest.mark.parametrize("letter", ["\u212a", "\u0131", "\u017f", "\uff53", "\u0455"])
def test_letters_that_only_look_like_or_fold_to_ascii_are_refused(letter: str) -> None:
    assert "begins nothing that CQL knows" in refusal(f"SELECT * FROM {letter}ecret.t").message
    assert "begins nothing that CQL knows" in refusal(f"{letter}ELECT * FROM public.t").message


def test_letters_in_quotes_are_not_folded_to_others() -> None:
    assert needs('SELECT * FROM "\u212aS"."\u0130"') == ["Select on \u212aS.\u0130"]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM public.t WHERE a = 'x",
        'SELECT * FROM "public.t',
        "SELECT * FROM public.t /* x",
        "SELECT $$x FROM a.b",
    ],
)
def test_what_is_never_closed_is_refused(text: str) -> None:
    assert "is never closed" in refusal(text).message


def test_the_keyspace_in_use_is_part_of_a_reading() -> None:
    cache = ReadingCache()
    found = [cache.read(b"SELECT * FROM t", keyspace) for keyspace in ("public", "secret", None, "public")]
    names = [str(one.accesses[0]) if isinstance(one, Statement) else "refused" for one in found]
    assert names == ["Select on public.t", "Select on secret.t", "refused", "Select on public.t"]


def test_use_is_a_form_of_its_own_so_that_a_session_can_wait_for_its_answer() -> None:
    assert (reading("USE/**/secret").form, reading('USE "Secret"').use_keyspace) == ("USE", "Secret")


@pytest.mark.parametrize(
    "text",
    [
        "DELETE FROM secret.t WHERE k = 1 IF EXISTS",
        "UPDATE secret.t SET a = 1 WHERE k = 1 IF a = 2",
        "INSERT INTO secret.t (a) VALUES (1) IF NOT EXISTS",
        "BEGIN BATCH UPDATE secret.t SET a = 1 WHERE k = 1 IF a = 2 APPLY BATCH",
    ],
)
def test_a_conditional_write_tells_what_is_there_and_so_reads(text: str) -> None:
    assert "Select on secret.t" in needs(text)


def test_a_restore_reads_the_table_that_it_is_made_from() -> None:
    assert "Select on secret.t" in needs("RESTORE TABLE public.t FROM TABLE secret.t")


def test_a_write_to_system_local_is_no_read_of_a_system_table() -> None:
    change = "UPDATE system.local SET {} = 'x' WHERE key = 'local'"
    assert needs(change.format("partitioner")) == ["UpdatePartitioner on system.local"]
    assert needs(change.format("rack")) == ["Modify on system.local"]


def test_a_function_of_another_keyspace_is_not_called() -> None:
    assert "has no functions" in refusal("SELECT secret.f(a) FROM public.t").message
