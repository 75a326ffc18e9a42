from typing import Any

import pytest

from keyward_api.iam_roles.documents import parse, same_document


def document(*statements: dict[str, Any], version: str = "2012-10-17") -> dict[str, Any]:
    return {"Version": version, "Statement": list(statements)}


READ = {"Effect": "Allow", "Action": ["cassandra:Select", "cassandra:Modify"], "Resource": ["a", "b"]}
TRUST = {
    "Effect": "Allow",
    "Principal": {"AWS": ["x", "y"]},
    "Action": "sts:AssumeRole",
    "Condition": {"StringEquals": {"sts:ExternalId": ["1", "2"]}, "Bool": {"aws:SecureTransport": True}},
}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (READ, READ | {"Action": ["cassandra:Modify", "cassandra:Select"]}),
        (READ, READ | {"Action": ["cassandra:modify", "Cassandra:Select", "cassandra:Select"]}),
        (READ, READ | {"Resource": ["b", "a"]}),
        (READ, READ | {"Sid": "Mine"}),
        (TRUST, TRUST | {"Action": ["sts:AssumeRole"]}),
        (TRUST, TRUST | {"Principal": {"AWS": ["y", "x"]}}),
        (TRUST | {"Principal": "*"}, TRUST | {"Principal": {"AWS": "*"}}),
        (
            TRUST,
            TRUST
            | {"Condition": {"Bool": {"aws:secureTransport": "true"}, "StringEquals": {"sts:ExternalID": ["2", "1"]}}},
        ),
    ],
)
def test_what_iam_makes_no_difference_of_is_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert same_document(document(one), document(other))
    assert same_document(document(one, READ), document(READ, other))
    assert same_document(document(one), {"Version": "2012-10-17", "Statement": other})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (READ, READ | {"Effect": "Deny"}),
        (READ, READ | {"Action": "cassandra:Select"}),
        (READ, READ | {"Resource": ["a", "B"]}),
        (READ, {"Effect": "Allow", "NotAction": READ["Action"], "Resource": READ["Resource"]}),
        (READ, {"Effect": "Allow", "Action": READ["Action"], "NotResource": READ["Resource"]}),
        (READ, READ | {"Condition": {"Bool": {"aws:SecureTransport": True}}}),
        (TRUST, TRUST | {"Principal": {"AWS": ["x", "z"]}}),
        (TRUST, TRUST | {"Principal": {"Federated": ["x", "y"]}}),
        (TRUST, TRUST | {"Condition": {"StringLike": {"sts:ExternalId": ["1", "2"]}}}),
        (
            {"Effect": "Deny", "NotPrincipal": {"AWS": "x"}, "Action": "sts:AssumeRole"},
            {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"},
        ),
    ],
)
def test_what_iam_makes_a_difference_of_is_not(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert not same_document(document(one), document(other))
    assert not same_document(document(one), document(one, other))
    assert not same_document(document(one), document(one, version="2008-10-17"))


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"Expecting|must be a JSON object"):
        parse(text)
