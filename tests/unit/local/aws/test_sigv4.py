"""Our verification against botocore's signer and AWS's published examples."""

from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.aws.errors import AwsError
from local.aws.sigv4 import Authorization, ReceivedRequest, signing_key, verify
from tests.unit.local.aws.conftest import received

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SCOPES = {"sts": "us-east-1"}


def signed(
    *,
    token: str | None = "session/token==",  # noqa: S107  (an example)
    url: str = "https://sts.us-east-1.amazonaws.com/",
) -> ReceivedRequest:
    body = urlencode({"Action": "GetCallerIdentity", "Version": "2011-06-15"}).encode()
    request = AWSRequest("POST", url, headers={"Content-Type": "application/x-www-form-urlencoded"}, data=body)
    SigV4Auth(Credentials("ASIAEXAMPLE", SECRET, token), "sts", "us-east-1").add_auth(request)
    return received(request.prepare())


def now_of(request: ReceivedRequest) -> float:
    date = request.header("x-amz-date")
    assert date is not None
    return datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()


def check(request: ReceivedRequest, *, secret: str = SECRET, skew: float = 0, scopes: dict[str, str] = SCOPES) -> None:
    authorization = Authorization.parse(request.header("authorization"))
    verify(request, authorization, secret=secret, scopes=scopes, now=now_of(request) + skew)


def with_header(request: ReceivedRequest, name: str, value: str | None) -> ReceivedRequest:
    others = [(key, old) for key, old in request.headers if key.lower() != name]
    return replace(request, headers=others if value is None else [*others, (name, value)])


def code_of(request: ReceivedRequest, **more: float) -> str:
    with pytest.raises(AwsError) as caught:
        check(request, **more)  # type: ignore[arg-type]
    return caught.value.code


def test_the_signing_key_is_the_one_of_the_published_example() -> None:
    key = signing_key(SECRET, date="20150830", region="us-east-1", service="iam")
    assert key.hex() == "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"


def test_the_published_example_of_a_signed_request_verifies() -> None:
    request = ReceivedRequest(
        method="GET",
        path="/",
        query="Action=ListUsers&Version=2010-05-08",
        headers=[
            ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("Host", "iam.amazonaws.com"),
            ("X-Amz-Date", "20150830T123600Z"),
            (
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
                "SignedHeaders=content-type;host;x-amz-date, "
                "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
            ),
        ],
        body=b"",
    )
    check(request, scopes={"iam": "us-east-1"})
    assert code_of(replace(request, query="Action=ListRoles&Version=2010-05-08")) == "SignatureDoesNotMatch"


@pytest.mark.parametrize("token", [None, "session/token=="])
@pytest.mark.parametrize("path", ["/", "/a%20b/~c", "/?b=2&a=%2F&a=1"])
def test_what_botocore_signs_verifies(token: str | None, path: str) -> None:
    check(signed(token=token, url=f"https://sts.us-east-1.amazonaws.com{path}"))


def test_another_secret_does_not_verify() -> None:
    with pytest.raises(AwsError, match="The request signature we calculated does not match") as caught:
        check(signed(), secret=SECRET[::-1])
    assert (caught.value.code, caught.value.status) == ("SignatureDoesNotMatch", 403)


@pytest.mark.parametrize(
    "tampered",
    [
        replace(signed(), body=b"Action=AssumeRole&Version=2011-06-15"),
        replace(signed(), path="/other"),
        replace(signed(), query="a=b"),
        replace(signed(), method="PUT"),
        with_header(signed(), "host", "iam.amazonaws.com"),
        with_header(signed(), "content-type", "text/plain"),
        with_header(signed(), "x-amz-security-token", "another"),
    ],
    ids=["body", "path", "query", "method", "host", "content-type", "token"],
)
def test_a_changed_request_does_not_verify(tampered: ReceivedRequest) -> None:
    assert code_of(tampered) == "SignatureDoesNotMatch"


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (
            with_header(signed(token=None), "x-amz-security-token", "t"),
            "'x-amz-security-token' must be a 'SignedHeader'",
        ),
        (with_header(signed(), "x-amz-anything", "t"), "'x-amz-anything' must be a 'SignedHeader'"),
        (with_header(signed(), "content-type", None), "names 'content-type', which the request does not carry"),
    ],
)
def test_the_signature_must_cover_what_matters(request_: ReceivedRequest, message: str) -> None:
    with pytest.raises(AwsError, match=message):
        check(request_)


@pytest.mark.parametrize(
    ("skew", "message"),
    [(901, "Signature expired: .* earlier than"), (-901, "Signature not yet current: .* later than")],
)
def test_a_signature_is_good_for_15_minutes_around_its_date(skew: float, message: str) -> None:
    check(signed(), skew=skew - 1 if skew > 0 else skew + 1)
    with pytest.raises(AwsError, match=message) as caught:
        check(signed(), skew=skew)
    assert (caught.value.code, caught.value.status) == ("SignatureDoesNotMatch", 403)


@pytest.mark.parametrize(
    ("scopes", "message"), [({"iam": "us-east-1"}, "correct service: 'iam'"), ({"sts": "eu-west-1"}, "valid region")]
)
def test_the_scope_must_be_that_of_the_service(scopes: dict[str, str], message: str) -> None:
    with pytest.raises(AwsError, match=message):
        check(signed(), scopes=scopes)


@pytest.mark.parametrize(
    ("date", "code"),
    [
        ("", "IncompleteSignature"),
        ("20260101T2560", "IncompleteSignature"),
        ("20260101T256000Z", "IncompleteSignature"),
        ("2026-01-01T00:00:00Z", "IncompleteSignature"),
        ("20260102T000000Z", "SignatureDoesNotMatch"),
    ],
)
def test_the_date_must_be_one_and_that_of_the_scope(date: str, code: str) -> None:
    request = with_header(signed(), "x-amz-date", date)
    authorization = replace(Authorization.parse(request.header("authorization")), date="20260101")
    with pytest.raises(AwsError) as caught:
        verify(request, authorization, secret=SECRET, scopes=SCOPES, now=0)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "MissingAuthenticationToken"),
        ("", "MissingAuthenticationToken"),
        ("Bearer abc", "IncompleteSignature"),
        (
            "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/sts/aws4_request, SignedHeaders=host",
            "IncompleteSignature",
        ),
        ("AWS4-HMAC-SHA256 SignedHeaders=host, Signature=a", "IncompleteSignature"),
        (
            "AWS4-HMAC-SHA256 Credential=a/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=a",
            "IncompleteSignature",
        ),
    ],
)
def test_an_authorization_header_must_be_complete(header: str | None, code: str) -> None:
    with pytest.raises(AwsError) as caught:
        Authorization.parse(header)
    assert caught.value.code == code
