"""The query protocol: what is understood, what is refused, what is never recorded."""

from typing import Any
from urllib.parse import urlencode

import pytest

from local.aws.errors import AwsError
from local.aws.query import Call, error_document, parse, result_document


def body(**fields: str) -> bytes:
    return urlencode({"Version": "2011-06-15"} | fields).encode()


def test_lists_and_structures_are_read() -> None:
    fields = {
        "RoleArn": "arn:aws:iam::111122223333:role/r",
        "RoleSessionName": "session",
        "DurationSeconds": "900",
        "Tags.member.1.Key": "a",
        "Tags.member.1.Value": "b",
        "PolicyArns.member.1.arn": "arn:aws:iam::aws:policy/x",
    }
    call = parse(body(Action="AssumeRole", **fields)).checked()
    assert call.name == "sts:AssumeRole"
    assert call.parameters["DurationSeconds"] == 900
    assert call.parameters["Tags"] == [{"Key": "a", "Value": "b"}]
    assert call.parameters["PolicyArns"] == [{"arn": "arn:aws:iam::aws:policy/x"}]


@pytest.mark.parametrize(
    ("content", "code", "status"),
    [
        (b"\xff\xfe", "MalformedQueryString", 404),
        (b"Action", "MalformedQueryString", 404),
        (b"", "MissingAction", 400),
        (b"Action=AssumeRole&Action=GetCallerIdentity&Version=2011-06-15", "MalformedQueryString", 404),
        (body(), "MissingAction", 400),
        (body(Action="AssumeRole", Version="2020-01-01"), "InvalidAction", 400),
        (body(Action="ListRoles"), "InvalidAction", 400),
        (body(Action="GetCallerIdentity", Version="2010-05-08"), "InvalidAction", 400),
        (body(Action="../etc/passwd"), "InvalidAction", 400),
        (body(Action="AssumeRole", DurationSeconds="long"), "ValidationError", 400),
    ],
)
def test_what_is_no_call(content: bytes, code: str, status: int) -> None:
    with pytest.raises(AwsError) as caught:
        parse(content)
    assert (caught.value.code, caught.value.status) == (code, status)


def test_every_broken_constraint_is_named() -> None:
    call = parse(body(Action="AssumeRole", RoleArn="short", DurationSeconds="899", **{"Tags.member.1.Value": "v"}))
    with pytest.raises(AwsError) as caught:
        call.checked()
    message = caught.value.message
    assert message.startswith("4 validation errors detected: ")
    assert (
        "'short' at 'roleArn' failed to satisfy constraint: Member must have length greater than or equal to 20"
        in message
    )
    assert "null at 'roleSessionName' failed to satisfy constraint: Member must not be null" in message
    assert "null at 'tags.1.member.key'" in message
    assert "'899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than" in message


def test_a_token_is_neither_echoed_nor_recorded() -> None:
    fields = {"RoleArn": "arn:aws:iam::111122223333:role/r", "RoleSessionName": "session"}
    call = parse(body(Action="AssumeRoleWithWebIdentity", WebIdentityToken="secret" * 4000, **fields))
    assert call.recordable() == fields
    with pytest.raises(AwsError, match="'webIdentityToken'") as caught:
        call.checked()
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    ("fields", "recorded"),
    [
        ({"Action": "CreateLoginProfile", "UserName": "ann", "Password": "secret"}, {"UserName": "ann"}),
        (
            {"Action": "EnableMFADevice", "UserName": "ann", "SerialNumber": "s", "AuthenticationCode1": "123456"},
            {"UserName": "ann", "SerialNumber": "s"},
        ),
        ({"Action": "GetAccountSummary"}, {}),
    ],
)
def test_secrets_of_iam_calls_are_not_recorded(fields: dict[str, str], recorded: dict[str, Any]) -> None:
    assert parse(body(Version="2010-05-08", **fields)).recordable() == recorded


def test_an_error_document_is_escaped() -> None:
    document = error_document("iam", AwsError("ValidationError", "<a> & <b>"))
    assert "<Message>&lt;a&gt; &amp; &lt;b&gt;</Message>" in document
    assert "https://iam.amazonaws.com/doc/2010-05-08/" in document
    assert "<Type>Sender</Type>" in document
    assert "<Type>Receiver</Type>" in error_document("sts", AwsError("InternalFailure", "x", status=500))


def test_a_result_document_names_its_call() -> None:
    call = Call(service="sts", action="GetCallerIdentity", parameters={})
    assert "<GetCallerIdentityResult><Account>1</Account>" in result_document(call, {"Account": "1"})
