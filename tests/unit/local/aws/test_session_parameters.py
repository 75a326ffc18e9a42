"""Durations, tags, session policies, packed size."""

import random
import string
from dataclasses import replace
from typing import Any

import pytest

from local.aws.errors import AwsError
from local.aws.session_parameters import (
    SessionTags,
    duration,
    packed_percent,
    refuse_unsupported,
    session_policies,
    session_tags,
)
from tests.unit.local.aws.conftest import Account, allow, policy
from tests.unit.local.aws.test_trust import AGENT, role

NO_TAGS = SessionTags(requested={}, inherited={}, transitive=frozenset())
READ_ONLY = "arn:aws:iam::aws:policy/AmazonKeyspacesReadOnlyAccess_v2"


def tags(**pairs: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in pairs.items()]


@pytest.mark.parametrize(
    ("asked", "maximum", "chained", "granted"),
    [
        (None, 3600, True, 3600),
        (None, 43200, False, 3600),
        (900, 3600, True, 900),
        (43200, 43200, False, 43200),
        (3600, 43200, True, 3600),
        (3601, 43200, True, None),
        (7200, 3600, False, None),
    ],
)
def test_a_session_is_as_long_as_role_and_chain_allow(
    asked: int | None, maximum: int, chained: bool, granted: int | None
) -> None:
    target = replace(role(""), max_session_seconds=maximum)
    parameters = {} if asked is None else {"DurationSeconds": asked}
    if granted is not None:
        assert duration(parameters, target, chained=chained) == granted
        return
    with pytest.raises(AwsError, match="DurationSeconds exceeds") as caught:
        duration(parameters, target, chained=chained)
    assert caught.value.code == "ValidationError"


def test_transitive_tags_go_on_and_others_do_not() -> None:
    caller = replace(AGENT, tags={"Team": "a", "stage": "b"}, transitive_tag_keys=frozenset({"team"}))
    found = session_tags({"Tags": tags(user="u"), "TransitiveTagKeys": ["user"]}, caller)
    assert found.all == {"Team": "a", "user": "u"}
    assert found.requested == {"user": "u"}
    assert found.transitive == {"team", "user"}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"Tags": [*tags(a="1"), *tags(A="2")]}, "Duplicate tag keys"),
        ({"Tags": [{"Key": "aws:x", "Value": ""}]}, "must not begin with aws:"),
        ({"Tags": tags(**{f"k{n}": "v" for n in range(50)})}, "at most 50 tags"),
        ({"Tags": tags(a="1"), "TransitiveTagKeys": ["b"]}, "must be included in the requested tags"),
        ({"Tags": tags(TEAM="x")}, "conflicts with a transitive tag key"),
    ],
)
def test_tags_that_are_refused(parameters: dict[str, Any], message: str) -> None:
    caller = replace(AGENT, tags={"Team": "a"}, transitive_tag_keys=frozenset({"team"}))
    with pytest.raises(AwsError, match=message):
        session_tags(parameters, caller)


def sized(characters: int) -> str:
    text = policy(allow("cassandra:Select"))
    return text + " " * (characters - len(text))


def test_a_session_policy_has_at_most_2048_characters(account: Account) -> None:
    assert session_policies({"Policy": sized(2048)}, account.store) == (sized(2048),)
    with pytest.raises(AwsError, match="length less than or equal to 2048") as caught:
        session_policies({"Policy": sized(2049)}, account.store)
    assert caught.value.code == "ValidationError"
    with pytest.raises(AwsError, match="PolicyArns included"):
        session_policies({"Policy": sized(2040), "PolicyArns": [{"arn": READ_ONLY}]}, account.store)


def test_managed_session_policies_are_looked_up(account: Account) -> None:
    (text,) = session_policies({"PolicyArns": [{"arn": READ_ONLY}]}, account.store)
    assert "cassandra:Select" in text
    with pytest.raises(AwsError, match="does not exist"):
        session_policies({"PolicyArns": [{"arn": READ_ONLY + "9"}]}, account.store)


def test_a_session_policy_is_read_strictly(account: Account) -> None:
    with pytest.raises(AwsError) as caught:
        session_policies({"Policy": policy(allow("Select"))}, account.store)
    assert caught.value.code == "MalformedPolicyDocument"


def test_the_packed_size_is_a_share_and_has_an_end() -> None:
    assert packed_percent({}, NO_TAGS) is None
    small = packed_percent({"Policy": sized(200)}, NO_TAGS)
    assert small is not None
    assert 5 < small < 30
    rng = random.Random(1)  # noqa: S311  (text that does not compress)
    noise = {f"k{n}": "".join(rng.choices(string.ascii_letters, k=250)) for n in range(8)}
    with pytest.raises(AwsError, match=r"Packed policy consumes 1\d\d% of allotted space") as caught:
        packed_percent({}, replace(NO_TAGS, requested=noise))
    assert (caught.value.code, caught.value.status) == ("PackedPolicyTooLarge", 400)


@pytest.mark.parametrize(
    "name", ["SerialNumber", "TokenCode", "ProvidedContexts", "MinimumSessionTokenSize", "ProviderId"]
)
def test_parameters_that_are_not_implemented_are_refused(name: str) -> None:
    with pytest.raises(AwsError, match=f"{name} is not implemented"):
        refuse_unsupported({name: "x"})
