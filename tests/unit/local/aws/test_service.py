"""From bytes to a document: order of checks, records, faults."""

import json
import logging
from dataclasses import replace
from typing import Any

import pytest

from local.aws.calls import KEPT_CALLS, CallLog
from local.aws.sigv4 import ReceivedRequest
from local.aws.store import IamStore
from tests.unit.local.aws.conftest import ACCOUNT, Account, allow, policy, trust

UNSIGNED = ReceivedRequest(
    method="POST", path="/", query="", headers=[("Host", "aws")], body=b"Action=GetCallerIdentity&Version=2011-06-15"
)


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (UNSIGNED, 403, "MissingAuthenticationToken"),
        (replace(UNSIGNED, method="GET"), 400, "InvalidAction"),
        (replace(UNSIGNED, path="/healthz"), 400, "InvalidAction"),
        (replace(UNSIGNED, query="Action=GetCallerIdentity"), 400, "InvalidAction"),
        (replace(UNSIGNED, body=b""), 400, "MissingAction"),
        (replace(UNSIGNED, body=b"Action=AssumeRole&Version=2011-06-15"), 403, "MissingAuthenticationToken"),
    ],
)
def test_what_is_refused_before_a_caller_is_known(
    account: Account, request_: ReceivedRequest, status: int, code: str
) -> None:
    answer = account.service.answer(request_)
    assert answer.status == status
    assert f"<Code>{code}</Code>" in answer.body
    assert account.calls[-1]["error"]["code"] == code
    assert account.calls[-1]["principal"] is None


def test_a_fault_of_ours_is_logged_and_answered(
    account: Account, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr(IamStore, "credential", broken)
    headers = [
        ("Host", "aws"),
        ("Authorization", "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=h, Signature=s"),
    ]
    answer = account.service.answer(replace(UNSIGNED, headers=headers))
    assert answer.status == 500
    assert "<Code>InternalFailure</Code>" in answer.body
    assert "a secret detail" not in answer.body
    assert "a secret detail" in caplog.text
    assert account.calls[-1]["error"]["code"] == "InternalFailure"


def test_calls_are_recorded_with_their_caller_and_outcome(federated: Account) -> None:
    federated.client("sts", None).assume_role_with_web_identity(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/agent", RoleSessionName="agent-1", WebIdentityToken=federated.token()
    )
    record = federated.calls[-1]
    assert record["action"] == "sts:AssumeRoleWithWebIdentity"
    assert record["principal"] == "system:serviceaccount:keyward-agents:payments.orders"
    assert record["parameters"] == {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/agent", "RoleSessionName": "agent-1"}
    assert (record["error"], record["time"]) == (None, federated.clock())


def test_no_secret_is_recorded_or_logged(federated: Account, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="local.aws")
    token = federated.token()
    ann = federated.user("ann", allow("sts:*"))
    role = federated.role("Reader", trust({"AWS": ACCOUNT}, "sts:*"))
    first = federated.session(ann, role, Policy=policy(allow("cassandra:Select")), SourceIdentity="ann")
    federated.client("sts", first).get_caller_identity()
    web = federated.client("sts", None).assume_role_with_web_identity(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/agent", RoleSessionName="agent-1", WebIdentityToken=token
    )
    secrets = [
        *(token, token.rpartition(".")[2], federated.root.secret_access_key, ann.secret_access_key),
        *(first.secret_access_key, first.session_token, web["Credentials"]["SessionToken"]),
    ]
    seen = json.dumps(federated.calls) + caplog.text
    assert "ann" in seen
    assert not [secret for secret in secrets if secret and secret in seen]


def test_the_call_log_keeps_the_newest() -> None:
    log = CallLog()
    for number in range(KEPT_CALLS + 1):
        log.record(time=number, action="a", principal=None, parameters={})
    calls: list[dict[str, Any]] = log.as_json()
    assert (len(calls), calls[0]["time"]) == (KEPT_CALLS, 1)
