"""STS as boto3 sees it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from local.aws.client import Credentials
from tests.unit.local.aws.conftest import ACCOUNT, AGENT_SUBJECT, PROVIDER, Account, allow, policy, trust

Refused = Callable[[Callable[[], Any]], tuple[str, int, str]]

ALL = ("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity")
READER = f"arn:aws:iam::{ACCOUNT}:role/Reader"
TAGS = [{"Key": "keyward:namespace", "Value": "payments"}]


def assume(account: Account, caller: Credentials, role: str = READER, **more: Any) -> Any:
    return account.client("sts", caller).assume_role(RoleArn=role, **{"RoleSessionName": "payments@reader"} | more)


@pytest.fixture
def agent(federated: Account) -> Credentials:
    """The session that an agent gets with its pod's token."""
    response = federated.client("sts", None).assume_role_with_web_identity(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/agent", RoleSessionName="agent-1", WebIdentityToken=federated.token()
    )
    return Credentials.of_response(response)


def test_a_web_identity_becomes_a_session(federated: Account) -> None:
    response = federated.client("sts", None).assume_role_with_web_identity(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/agent",
        RoleSessionName="agent-1",
        WebIdentityToken=federated.token(),
        DurationSeconds=900,
    )
    assert response["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/agent/agent-1"
    assert response["SubjectFromWebIdentityToken"] == AGENT_SUBJECT
    assert (response["Audience"], response["Provider"]) == ("sts.amazonaws.com", PROVIDER)
    assert response["Credentials"]["Expiration"].timestamp() == int(federated.clock()) + 900
    identity = federated.client("sts", Credentials.of_response(response)).get_caller_identity()
    assert identity["Arn"] == response["AssumedRoleUser"]["Arn"]
    assert identity["Account"] == ACCOUNT
    assert identity["UserId"] == response["AssumedRoleUser"]["AssumedRoleId"]


@pytest.mark.parametrize(
    ("role", "subject"),
    [("agent", "system:serviceaccount:keyward-agents:other"), ("absent", AGENT_SUBJECT), ("aws-only", AGENT_SUBJECT)],
)
def test_a_web_identity_that_no_trust_policy_names(
    federated: Account, refused: Refused, role: str, subject: str
) -> None:
    federated.role("aws-only", trust("*", "sts:*"))
    sts = federated.client("sts", None)
    assert refused(
        lambda: sts.assume_role_with_web_identity(
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{role}",
            RoleSessionName="agent-1",
            WebIdentityToken=federated.token(sub=subject),
        )
    ) == ("AccessDenied", 403, "Not authorized to perform sts:AssumeRoleWithWebIdentity")


def test_an_agent_assumes_a_role_with_attribution(federated: Account, agent: Credentials) -> None:
    federated.role("Reader", trust({"AWS": f"arn:aws:iam::{ACCOUNT}:role/agent"}, *ALL))
    response = assume(
        federated,
        agent,
        SourceIdentity="payments@reader",
        Tags=TAGS,
        ExternalId="cluster/payments/orders",
        Policy=policy(allow("cassandra:Select")),
    )
    assert response["SourceIdentity"] == "payments@reader"
    assert 0 < response["PackedPolicySize"] <= 100
    credential = federated.service.authenticator.credential(response["Credentials"]["AccessKeyId"])
    assert credential is not None
    assert credential.principal.tags == {"keyward:namespace": "payments"}
    assert federated.calls[-1]["parameters"]["ExternalId"] == "cluster/payments/orders"


@pytest.mark.parametrize(
    ("trusted", "own", "more", "missing"),
    [
        (ALL, ALL, {"Tags": TAGS, "SourceIdentity": "me"}, None),
        (ALL[:1], ALL[:1], {}, None),
        (ALL[1:], ALL, {}, "sts:AssumeRole"),
        (ALL, ALL[1:], {}, "sts:AssumeRole"),
        (ALL[::2], ALL, {"Tags": TAGS}, "sts:TagSession"),
        (ALL, ALL[::2], {"Tags": TAGS}, "sts:TagSession"),
        (ALL[:2], ALL, {"SourceIdentity": "me"}, "sts:SetSourceIdentity"),
        (ALL, ALL[:2], {"SourceIdentity": "me"}, "sts:SetSourceIdentity"),
    ],
)
def test_both_sides_must_permit_each_action(
    account: Account,
    refused: Refused,
    trusted: tuple[str, ...],
    own: tuple[str, ...],
    more: dict[str, Any],
    missing: str | None,
) -> None:
    ann = account.user("ann", allow(list(own), READER))
    account.role("Reader", trust({"AWS": ACCOUNT}, *trusted))
    if missing is None:
        assume(account, ann, **more)
        return
    assert refused(lambda: assume(account, ann, **more)) == (
        "AccessDenied",
        403,
        f"User: arn:aws:iam::{ACCOUNT}:user/ann is not authorized to perform: {missing} on resource: {READER}",
    )


@pytest.mark.parametrize(
    ("condition", "more", "passes"),
    [
        ({"StringEquals": {"sts:ExternalId": "a/b/c"}}, {"ExternalId": "a/b/c"}, True),
        ({"StringEquals": {"sts:ExternalId": "a/b/c"}}, {"ExternalId": "a/b/d"}, False),
        ({"StringEquals": {"sts:ExternalId": "a/b/c"}}, {}, False),
        ({"StringLike": {"aws:RequestTag/keyward:namespace": "pay*"}}, {"Tags": TAGS}, True),
        ({"StringLike": {"aws:RequestTag/keyward:namespace": "shop*"}}, {"Tags": TAGS}, False),
        ({"StringEquals": {"sts:RoleSessionName": "payments@reader"}}, {}, True),
        ({"StringEquals": {"sts:RoleSessionName": "payments@reader"}}, {"RoleSessionName": "other"}, False),
        ({"StringEquals": {"sts:SourceIdentity": "me"}}, {"SourceIdentity": "me"}, True),
        ({"StringEquals": {"sts:SourceIdentity": "me"}}, {"SourceIdentity": "you"}, False),
        ({"StringEquals": {"sts:SourceIdentity": "me"}}, {}, False),
    ],
)
@pytest.mark.parametrize("side", ["trust", "caller"])
def test_conditions_bind_on_either_side(
    account: Account, refused: Refused, side: str, condition: dict[str, Any], more: dict[str, Any], passes: bool
) -> None:
    own = {"Condition": condition} if side == "caller" else {}
    ann = account.user("ann", allow("sts:*", READER, **own))
    account.role("Reader", trust({"AWS": ACCOUNT}, "sts:*", **(condition if side == "trust" else {})))
    if passes:
        assume(account, ann, **more)
    else:
        assert refused(lambda: assume(account, ann, **more))[:2] == ("AccessDenied", 403)


def test_a_condition_that_is_not_implemented_is_named(account: Account, refused: Refused) -> None:
    ann = account.user("ann", allow("sts:*"))
    account.role("Reader", trust({"AWS": ACCOUNT}, **{"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}))
    _, _, message = refused(lambda: assume(account, ann))
    assert message.endswith("(local AWS: condition key aws:SourceIp is not implemented for this request)")


def test_a_role_that_does_not_exist_is_denied_like_any_other(account: Account, refused: Refused) -> None:
    ann = account.user("ann", allow("sts:*"))
    code, status, message = refused(lambda: assume(account, ann))
    assert (code, status) == ("AccessDenied", 403)
    assert message.endswith(f"is not authorized to perform: sts:AssumeRole on resource: {READER}")
    assert account.calls[-1]["error"]["reason"] == "the role does not exist"


def test_the_root_assumes_no_role(account: Account, refused: Refused) -> None:
    account.role("Reader", trust("*", *ALL))
    assert refused(lambda: assume(account, account.root)) == (
        "AccessDenied",
        403,
        "Roles may not be assumed by root accounts.",
    )


def test_a_chained_session_lasts_an_hour_at_most(federated: Account, agent: Credentials, refused: Refused) -> None:
    federated.role("Reader", trust("*", *ALL), MaxSessionDuration=43200)
    assume(federated, agent, DurationSeconds=3600)
    code, status, message = refused(lambda: assume(federated, agent, DurationSeconds=3601))
    assert (code, status) == ("ValidationError", 400)
    assert "1 hour session limit for roles assumed by role chaining" in message
    ann = federated.user("ann", allow("sts:*"))
    assume(federated, ann, DurationSeconds=43200)


def test_a_web_identity_is_no_chain(federated: Account) -> None:
    federated.iam.update_role(RoleName="agent", Description="", MaxSessionDuration=43200)
    federated.client("sts", None).assume_role_with_web_identity(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/agent",
        RoleSessionName="agent-1",
        WebIdentityToken=federated.token(),
        DurationSeconds=43200,
    )


def test_a_key_without_its_session_token_is_nobodys(account: Account, agent: Credentials, refused: Refused) -> None:
    for token in (None, "another"):
        stolen = replace(agent, session_token=token)
        assert refused(account.client("sts", stolen).get_caller_identity)[:2] == ("InvalidClientTokenId", 403)
    ann = replace(account.user("ann"), session_token="unasked")
    assert refused(account.client("sts", ann).get_caller_identity)[:2] == ("InvalidClientTokenId", 403)


@pytest.mark.parametrize("seconds", [899, 3601, 43201])
def test_durations_outside_the_limits(account: Account, refused: Refused, seconds: int) -> None:
    ann = account.user("ann", allow("sts:*"))
    account.role("Reader", trust("*", *ALL))
    assert refused(lambda: assume(account, ann, DurationSeconds=seconds))[:2] == ("ValidationError", 400)


def test_a_source_identity_stays_for_the_whole_chain(federated: Account, agent: Credentials, refused: Refused) -> None:
    hop = trust("*", *ALL)
    first = federated.role("first", hop, allow(list(ALL)))
    federated.role("Reader", hop)
    federated.role("NoSource", trust("*", "sts:AssumeRole"))
    session = federated.session(agent, first, SourceIdentity="ann@example.com")
    assert assume(federated, session)["SourceIdentity"] == "ann@example.com"
    assert assume(federated, session, SourceIdentity="ann@example.com")["SourceIdentity"] == "ann@example.com"
    assert "sts:SetSourceIdentity" in refused(lambda: assume(federated, session, SourceIdentity="bob"))[2]
    without = f"arn:aws:iam::{ACCOUNT}:role/NoSource"
    assert "sts:SetSourceIdentity" in refused(lambda: assume(federated, session, without))[2]


def test_transitive_tags_need_the_permission_of_the_next_role_too(
    federated: Account, agent: Credentials, refused: Refused
) -> None:
    first = federated.role("first", trust("*", *ALL), allow(list(ALL)))
    federated.role("Reader", trust("*", "sts:AssumeRole"))
    plain = federated.session(agent, first, Tags=TAGS)
    assume(federated, plain)
    transitive = federated.session(agent, first, Tags=TAGS, TransitiveTagKeys=["keyward:namespace"])
    assert "sts:TagSession" in refused(lambda: assume(federated, transitive))[2]


@pytest.mark.parametrize(
    ("parameter", "value", "constraint"),
    [
        ("RoleSessionName", "spaces are bad", "regular expression pattern"),
        ("RoleSessionName", "übung", "regular expression pattern"),
        ("RoleSessionName", "x" * 65, "length less than or equal to 64"),
        ("SourceIdentity", "a:b", "regular expression pattern"),
        ("SourceIdentity", "x" * 65, "length less than or equal to 64"),
        ("ExternalId", "a b", "regular expression pattern"),
        ("Tags", [{"Key": "a*", "Value": ""}], "regular expression pattern"),
        ("Tags", [{"Key": "a", "Value": "x" * 257}], "length less than or equal to 256"),
        ("Policy", "\u0100", "regular expression pattern"),
    ],
)
def test_parameters_outside_their_patterns(
    account: Account, refused: Refused, parameter: str, value: Any, constraint: str
) -> None:
    ann = account.user("ann", allow("sts:*"))
    account.role("Reader", trust("*", *ALL))
    code, status, message = refused(lambda: assume(account, ann, **{parameter: value}))
    assert (code, status) == ("ValidationError", 400)
    assert constraint in message


@pytest.mark.parametrize("value", ["aws:me", "AWS:me"])
def test_source_identities_of_aws_are_reserved(account: Account, refused: Refused, value: str) -> None:
    ann = account.user("ann", allow("sts:*"))
    account.role("Reader", trust("*", *ALL))
    assert refused(lambda: assume(account, ann, SourceIdentity=value))[0] == "ValidationError"


@pytest.mark.parametrize("value", ["payments@reader", "u=ann=2Fx+0123", "a.b-c,d_e"])
def test_session_names_that_attribution_uses(account: Account, value: str) -> None:
    ann = account.user("ann", allow("sts:*"))
    account.role("Reader", trust("*", *ALL))
    response = assume(account, ann, RoleSessionName=value, SourceIdentity=value)
    assert response["AssumedRoleUser"]["Arn"].endswith(f"/Reader/{value}")


def test_tags_may_hold_letters_of_any_alphabet(account: Account) -> None:
    ann = account.user("ann", allow("sts:*"))
    account.role("Reader", trust("*", *ALL))
    assume(account, ann, Tags=[{"Key": "größe", "Value": "ünï 東京_1.:/=+-@"}])


def test_a_malformed_or_long_session_policy_is_refused(account: Account, refused: Refused) -> None:
    ann = account.user("ann", allow("sts:*"))
    account.role("Reader", trust("*", *ALL))
    assert refused(lambda: assume(account, ann, Policy="{}"))[:2] == ("MalformedPolicyDocument", 400)
    long = policy(
        allow("cassandra:Select", [f"arn:aws:cassandra:us-east-1:{ACCOUNT}:/keyspace/k{n}/" for n in range(40)])
    )
    assert refused(lambda: assume(account, ann, Policy=long))[:2] == ("ValidationError", 400)


def test_a_session_ends(federated: Account, refused: Refused) -> None:
    response = federated.client("sts", None).assume_role_with_web_identity(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/agent",
        RoleSessionName="agent-1",
        WebIdentityToken=federated.token(),
        DurationSeconds=900,
    )
    sts = federated.client("sts", Credentials.of_response(response))
    end = response["Credentials"]["Expiration"].timestamp()
    federated.clock.now = end - 1
    sts.get_caller_identity()
    federated.clock.now = end
    assert refused(sts.get_caller_identity) == (
        "ExpiredToken",
        403,
        "The security token included in the request is expired",
    )


def test_what_sts_has_and_local_aws_has_not(account: Account, refused: Refused) -> None:
    code, _, message = refused(lambda: account.client("sts", account.root).get_session_token())
    assert code == "InvalidAction"
    assert "sts:GetSessionToken is not implemented by local AWS" in message
