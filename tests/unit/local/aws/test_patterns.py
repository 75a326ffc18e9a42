"""Wildcards."""

import pytest

from local.aws.patterns import matches, matches_arn

TABLE = "arn:aws:cassandra:us-east-1:111122223333:/keyspace/orders/table/items"


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        ("*", "", True),
        ("a*c", "abbc", True),
        ("a*c", "abbcd", False),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("a.c", "abc", False),
        ("[a]", "a", False),
        ("A", "a", False),
        ("a*", "a\nb", True),
    ],
)
def test_a_star_is_any_run_and_a_question_mark_one_character(pattern: str, value: str, fits: bool) -> None:
    assert matches(pattern, value) is fits


def test_case_may_be_ignored() -> None:
    assert matches("cassandra:SEL*", "cassandra:Select", ignore_case=True)


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("*", True),
        (TABLE, True),
        ("arn:aws:cassandra:us-east-1:111122223333:/keyspace/orders/table/*", True),
        ("arn:aws:cassandra:us-east-1:111122223333:/keyspace/*", True),
        ("arn:aws:cassandra:*:*:/keyspace/*/table/i?ems", True),
        ("arn:aws:cassandra:us-east-1:111122223333:/keyspace/orders/", False),
        ("arn:aws:cassandra:us-east-1:111122223333:/keyspace/Orders/*", False),
        ("arn:aws:cassandra:us-west-2:111122223333:/keyspace/*", False),
        ("arn:*", False),
        ("arn:aws:*:/keyspace/orders/table/items", False),
    ],
)
def test_a_wildcard_stays_inside_a_component_of_an_arn(pattern: str, fits: bool) -> None:
    assert matches_arn(pattern, TABLE) is fits
