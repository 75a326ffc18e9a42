"""Condition operators, table by table."""

import pytest

from local.aws.conditions import Context, NotImplementedCondition, holds
from local.aws.documents import Condition

CONTEXT = Context(
    values={
        "sts:externalid": ("cluster/payments/orders",),
        "aws:principalarn": ("arn:aws:iam::111122223333:role/path/agent",),
        "aws:tagkeys": ("team", "stage"),
        "aws:securetransport": ("true",),
        "issuer.example/id/1:sub": ("system:serviceaccount:a:b",),
    },
    known=frozenset({"sts:sourceidentity", "aws:requesttag/"}),
)


def holding(operator: str, key: str, *values: str) -> bool:
    return holds(Condition(operator=operator, key=key, values=values), CONTEXT)


@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [
        ("StringEquals", ["cluster/payments/orders"], True),
        ("StringEquals", ["other", "cluster/payments/orders"], True),
        ("StringEquals", ["Cluster/payments/orders"], False),
        ("StringEquals", ["cluster/*"], False),
        ("StringNotEquals", ["cluster/payments/orders", "other"], False),
        ("StringNotEquals", ["other"], True),
        ("StringEqualsIgnoreCase", ["CLUSTER/payments/orders"], True),
        ("StringNotEqualsIgnoreCase", ["CLUSTER/payments/orders"], False),
        ("StringLike", ["cluster/*/order?"], True),
        ("StringLike", ["cluster/*/order"], False),
        ("StringNotLike", ["cluster/*"], False),
        ("stringequals", ["cluster/payments/orders"], True),
        ("StringEqualsIfExists", ["cluster/payments/orders"], True),
        ("StringEqualsIfExists", ["other"], False),
    ],
)
def test_string_operators(operator: str, values: list[str], expected: bool) -> None:
    assert holding(operator, "sts:ExternalId", *values) is expected


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        ("ArnEquals", "arn:aws:iam::111122223333:role/path/agent", True),
        ("ArnLike", "arn:aws:iam::*:role/*", True),
        ("ArnLike", "arn:*", False),
        ("ArnNotLike", "arn:aws:iam::*:role/*", False),
        ("ArnNotEquals", "arn:aws:iam::111122223333:role/agent", True),
    ],
)
def test_arn_operators(operator: str, value: str, expected: bool) -> None:
    assert holding(operator, "aws:PrincipalArn", value) is expected


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("StringEquals", False),
        ("StringEqualsIfExists", True),
        ("StringLike", False),
        ("StringLikeIfExists", True),
        ("StringNotEquals", True),
        ("StringNotEqualsIfExists", True),
        ("ForAnyValue:StringEquals", False),
        ("ForAllValues:StringEquals", True),
    ],
)
@pytest.mark.parametrize("key", ["sts:SourceIdentity", "aws:RequestTag/team"])
def test_a_key_that_the_request_does_not_carry(operator: str, key: str, expected: bool) -> None:
    assert holding(operator, key, "x") is expected


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("sts:SourceIdentity", "true", True),
        ("sts:SourceIdentity", "false", False),
        ("sts:ExternalId", "true", False),
        ("sts:ExternalId", "false", True),
    ],
)
def test_null_asks_for_absence(key: str, value: str, expected: bool) -> None:
    assert holding("Null", key, value) is expected


@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [
        ("ForAllValues:StringEquals", ["team", "stage", "more"], True),
        ("ForAllValues:StringEquals", ["team"], False),
        ("ForAnyValue:StringEquals", ["team"], True),
        ("ForAnyValue:StringEquals", ["other"], False),
        ("ForAllValues:StringNotEquals", ["other"], True),
        ("ForAllValues:StringNotEquals", ["team"], False),
        ("ForAnyValue:StringNotEquals", ["team"], True),
    ],
)
def test_keys_with_several_values(operator: str, values: list[str], expected: bool) -> None:
    assert holding(operator, "aws:TagKeys", *values) is expected


def test_bool_and_keys_that_name_an_issuer() -> None:
    assert holding("Bool", "aws:SecureTransport", "true")
    assert not holding("Bool", "aws:SecureTransport", "false")
    assert holding("StringLike", "issuer.example/id/1:sub", "system:serviceaccount:a:*")


@pytest.mark.parametrize(
    ("operator", "key", "value", "message"),
    [
        ("NumericLessThan", "sts:ExternalId", "3", "operator NumericLessThan"),
        ("IpAddress", "sts:ExternalId", "10.0.0.0/8", "operator IpAddress"),
        ("ForSomeValues:StringEquals", "sts:ExternalId", "3", "operator ForSomeValues:StringEquals"),
        ("StringEquals", "aws:SourceIp", "10.0.0.1", "key aws:SourceIp"),
        ("StringEqualsIfExists", "aws:SourceIp", "10.0.0.1", "key aws:SourceIp"),
        ("Null", "aws:MultiFactorAuthPresent", "true", "key aws:MultiFactorAuthPresent"),
        ("StringEquals", "other.issuer/id/1:sub", "x", "key other.issuer/id/1:sub"),
        ("StringEquals", "sts:ExternalId", "${aws:username}", "policy variable"),
    ],
)
def test_what_is_not_implemented_says_so(operator: str, key: str, value: str, message: str) -> None:
    with pytest.raises(NotImplementedCondition, match=message):
        holding(operator, key, value)
