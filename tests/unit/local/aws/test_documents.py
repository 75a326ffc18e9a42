"""The grammar of policies, and what is refused."""

import json
from typing import Any

import pytest

from local.aws.documents import Choice, Condition, identity_policy, trust_policy
from local.aws.errors import AwsError
from tests.unit.local.aws.conftest import allow, policy, trust


def test_a_statement_is_read_in_full() -> None:
    (statement,) = identity_policy(
        policy(
            {
                "Sid": "One",
                "Effect": "Deny",
                "NotAction": "cassandra:Select",
                "NotResource": ["arn:aws:cassandra:us-east-1:111122223333:/keyspace/a/"],
                "Condition": {"Bool": {"aws:SecureTransport": False}},
            }
        )
    )
    assert (statement.sid, statement.allow) == ("One", False)
    assert statement.actions == Choice(values=("cassandra:Select",), negated=True)
    assert statement.resources == Choice(
        values=("arn:aws:cassandra:us-east-1:111122223333:/keyspace/a/",), negated=True
    )
    assert statement.conditions == (Condition(operator="Bool", key="aws:SecureTransport", values=("false",)),)


def test_a_single_statement_needs_no_list() -> None:
    assert len(identity_policy(json.dumps({"Statement": allow("cassandra:*")}))) == 1


def test_principals_are_read_with_their_kinds() -> None:
    (statement,) = trust_policy(trust({"AWS": ["111122223333", "*"], "Federated": "arn:aws:iam::1:oidc-provider/x"}))
    assert statement.principals == (
        ("AWS", "111122223333"),
        ("AWS", "*"),
        ("Federated", "arn:aws:iam::1:oidc-provider/x"),
    )
    assert trust_policy(trust("*"))[0].principals == (("*", "*"),)


def statement(**changes: Any) -> str:
    body = allow("cassandra:Select") | changes
    return policy({name: value for name, value in body.items() if value is not None})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("{", "valid JSON"),
        ("[]", "must be an object"),
        ("{}", "Statement is required"),
        ('{"Statement": []}', "Statement is required"),
        ('{"Statement": ["x"]}', "must be an object"),
        ('{"Statement": [], "Statement": []}', "twice"),
        ('{"Version": "2020-01-01", "Statement": []}', "2012-10-17 or greater"),
        ('{"Statments": []}', "prohibited field Statments"),
        ('{"Statement": "\u0100"}'.encode().decode("unicode_escape") + "\u0100", "characters outside"),
        (statement(Effect="allow"), "Effect must be Allow or Deny"),
        (statement(Effect=None), "Effect must be Allow or Deny"),
        (statement(Sid="a b"), "alpha-numeric"),
        (statement(Action=None), "exactly one of Action and NotAction"),
        (statement(NotAction="a:b"), "exactly one of Action and NotAction"),
        (statement(Action=[]), "Action must be a string or a list"),
        (statement(Action=[1]), "Action must be a string or a list"),
        (statement(Action="Select"), "prefaced by a vendor"),
        (statement(Resource=None), "exactly one of Resource and NotResource"),
        (statement(Resource="orders"), "must be in ARN format"),
        (statement(Resource="arn:aws:cassandra"), "must be in ARN format"),
        (statement(Principal="*"), "prohibited field Principal"),
        (statement(Condition={"StringEquals": "x"}), "Condition StringEquals must be an object"),
        (statement(Condition={"StringEquals": {"a:b": {}}}), "must be strings, numbers or booleans"),
        (policy(allow("a:b", Sid="x"), allow("a:b", Sid="x")), "must be unique"),
    ],
)
def test_what_the_grammar_does_not_know_is_refused(text: str, message: str) -> None:
    with pytest.raises(AwsError, match=message) as caught:
        identity_policy(text)
    assert (caught.value.code, caught.value.status) == ("MalformedPolicyDocument", 400)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (policy(allow("sts:AssumeRole")), "prohibited field Resource"),
        (trust("*", "*"), "AssumeRole policy may only specify STS AssumeRole actions"),
        (trust("*", "cassandra:Select"), "AssumeRole policy may only specify STS AssumeRole actions"),
        (trust("111122223333"), "Principal must be an object"),
        (trust({"Aws": "*"}), "prohibited field Aws"),
        (trust({"AWS": "arn:aws:iam::111122223333:role/*"}), 'only "\\*" alone may be a wildcard'),
        (policy({"Effect": "Allow", "Action": "sts:AssumeRole"}), "Principal must be an object"),
        (policy({"Effect": "Allow", "NotPrincipal": "*", "Action": "sts:AssumeRole"}), "prohibited field NotPrincipal"),
    ],
)
def test_trust_policies_have_rules_of_their_own(text: str, message: str) -> None:
    with pytest.raises(AwsError, match=message):
        trust_policy(text)
