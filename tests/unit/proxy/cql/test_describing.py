"""What DESCRIBE asks for."""

from __future__ import annotations

import pytest

from keyward_api.permissions import StatementForm
from keyward_proxy.cql.description import Description, Subject
from keyward_proxy.cql.reader import read
from keyward_proxy.cql.statement import Refusal, Statement


def asked(text: str, keyspace: str | None = "used") -> Description:
    reading = read(text, keyspace)
    assert isinstance(reading, Statement), reading
    assert (reading.form, reading.accesses) == (StatementForm.DESCRIBE, ())
    assert reading.description
    return reading.description


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("DESCRIBE CLUSTER", Subject.CLUSTER),
        ("desc keyspaces;", Subject.KEYSPACES),
        ("DESCRIBE SCHEMA", Subject.SCHEMA),
        ("DESCRIBE FULL SCHEMA", Subject.FULL_SCHEMA),
        ("DESCRIBE full schema WITH INTERNALS", Subject.FULL_SCHEMA),
    ],
)
def test_what_is_about_everything_asks_nowhere_in_particular(text: str, subject: Subject) -> None:
    assert asked(text) == Description(subject=subject)


@pytest.mark.parametrize(
    ("word", "subject"),
    [
        ("TABLES", Subject.TABLES),
        ("columnfamilies", Subject.TABLES),
        ("TYPES", Subject.TYPES),
        ("FUNCTIONS", Subject.FUNCTIONS),
        ("AGGREGATES", Subject.AGGREGATES),
    ],
)
def test_lists_are_of_the_keyspace_in_use_or_of_all(word: str, subject: Subject) -> None:
    assert asked(f"DESCRIBE {word}") == Description(subject=subject, keyspace="used")
    assert asked(f"DESCRIBE {word}", None) == Description(subject=subject)


@pytest.mark.parametrize(
    ("words", "subject"),
    [
        ("TABLE", Subject.TABLE),
        ("COLUMNFAMILY", Subject.TABLE),
        ("INDEX", Subject.INDEX),
        ("MATERIALIZED VIEW", Subject.VIEW),
        ("TYPE", Subject.TYPE),
        ("FUNCTION", Subject.FUNCTION),
        ("AGGREGATE", Subject.AGGREGATE),
        ("", Subject.ANYTHING),
    ],
)
def test_elements_are_named_with_or_without_their_keyspace(words: str, subject: Subject) -> None:
    assert asked(f"DESCRIBE {words} Ks.Name") == Description(
        subject=subject, keyspace="ks", name="name", qualified=True
    )
    assert asked(f'DESC {words} "Ks" . /* x */ "N""ame";') == Description(
        subject=subject, keyspace="Ks", name='N"ame', qualified=True
    )
    assert asked(f"DESCRIBE {words} name WITH INTERNALS") == Description(subject=subject, keyspace="used", name="name")
    assert asked(f'DESCRIBE {words} "name"', None) == Description(subject=subject, name="name")


def test_a_keyspace_is_the_named_one_or_the_one_in_use() -> None:
    assert asked("DESCRIBE KEYSPACE") == Description(subject=Subject.KEYSPACE, keyspace="used")
    assert asked("DESCRIBE KEYSPACE;", None) == Description(subject=Subject.KEYSPACE)
    assert asked("DESCRIBE KEYSPACE with internals") == Description(subject=Subject.KEYSPACE, keyspace="used")
    named = Description(subject=Subject.KEYSPACE, keyspace="Shop", qualified=True)
    assert asked('DESCRIBE KEYSPACE "Shop"') == named
    only = Description(subject=Subject.ONLY_KEYSPACE, keyspace="shop", qualified=True)
    assert asked("DESCRIBE ONLY KEYSPACE shop") == only


@pytest.mark.parametrize("word", ["type", "function", "aggregate", "only"])
@pytest.mark.parametrize("tail", ["", ";", " WITH INTERNALS", " -- comment"])
def test_a_word_for_a_kind_may_be_a_name(word: str, tail: str) -> None:
    assert asked(f"DESCRIBE {word}{tail}") == Description(subject=Subject.ANYTHING, keyspace="used", name=word)


def test_a_word_for_a_kind_may_be_a_keyspace_or_an_element_of_its_kind() -> None:
    expected = Description(subject=Subject.ANYTHING, keyspace="type", name="t", qualified=True)
    assert asked("DESCRIBE type.t") == expected
    assert asked("DESCRIBE TYPE type") == Description(subject=Subject.TYPE, keyspace="used", name="type")
    assert asked("DESCRIBE only.only").keyspace == "only"
    assert asked('DESCRIBE "keyspaces"').name == "keyspaces"


@pytest.mark.parametrize(
    "text",
    [
        "DESCRIBE",
        "DESCRIBE TABLE",
        "DESCRIBE TABLE WITH INTERNALS",
        "DESCRIBE TABLES shop",
        "DESCRIBE TABLE a.b.c",
        "DESCRIBE TABLE a b",
        "DESCRIBE TABLE 'a'",
        "DESCRIBE TABLE ?",
        "DESCRIBE FULL",
        "DESCRIBE FULL KEYSPACES",
        "DESCRIBE MATERIALIZED v",
        "DESCRIBE ONLY KEYSPACE a b",
        "DESCRIBE CLUSTER WITH",
        "DESCRIBE a WITH b",
        "DESCRIBE table",
        "DESCRIBE KEYSPACES; SELECT * FROM a.b",
    ],
)
def test_what_is_no_describe_is_refused(text: str) -> None:
    reading = read(text, "used")
    assert isinstance(reading, Refusal)
    assert reading.code == 0x2000
