"""What STS refuses is told with what to do, and nothing is asked without an identity."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from keyward_proxy.aws.credentials import AssumeRoleRequest
from keyward_proxy.aws.errors import AWSError, IdentityNotInjected
from keyward_proxy.aws.sts import BotoSTS, _parameters, _refused, any_identity, require_injected_identity
from tests.unit.proxy.support import AGENT_ROLE, READER

REQUEST = AssumeRoleRequest(
    region="us-east-1",
    role_arn=READER,
    session_name="payments@app",
    tags=(("keyward:namespace", "payments"),),
    external_id="cluster/payments/orders",
    policy="{}",
)


def refusal(code: str, operation: str = "AssumeRole", message: str = "said so") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def test_all_parameters_are_sent() -> None:
    assert _parameters(REQUEST) == {
        "RoleArn": READER,
        "RoleSessionName": "payments@app",
        "SourceIdentity": "payments@app",
        "Tags": [{"Key": "keyward:namespace", "Value": "payments"}],
        "ExternalId": "cluster/payments/orders",
        "Policy": "{}",
        "DurationSeconds": 3600,
    }


def test_a_denied_role_is_told_with_the_trust_that_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ROLE_ARN", AGENT_ROLE)
    error = _refused(refusal("AccessDenied", message="User is not authorized"), REQUEST)
    assert error.reason == "AccessDenied"
    for needed in (READER, AGENT_ROLE, "cluster/payments/orders", "sts:SetSourceIdentity", "sts:TagSession"):
        assert needed in str(error)
    assert "User is not authorized" in str(error)


def test_the_agents_own_web_identity_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ROLE_ARN", AGENT_ROLE)
    error = _refused(refusal("AccessDenied", "AssumeRoleWithWebIdentity"), REQUEST)
    assert error.reason == "WebIdentityDenied"
    assert AGENT_ROLE in str(error)
    assert READER not in str(error)


def test_an_account_that_knows_no_issuer_of_the_cluster_is_told_apart_from_a_trust_policy() -> None:
    refused = refusal("InvalidIdentityToken", "AssumeRoleWithWebIdentity", "No OpenIDConnect provider found")
    error = _refused(refused, None)
    assert error.reason == "WebIdentityDenied"
    assert "IAM OIDC provider for the issuer" in str(error)
    assert "trust policy" not in str(error)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("Throttling", "STSThrottled"),
        ("IDPCommunicationError", "STSUnavailable"),
        ("ServiceUnavailable", "STSUnavailable"),
        ("PackedPolicyTooLarge", "PackedPolicyTooLarge"),
        ("RegionDisabledException",) * 2,
    ],
)
def test_other_refusals_keep_their_name(code: str, reason: str) -> None:
    assert _refused(refusal(code), REQUEST).reason == reason


def test_a_pod_that_the_webhook_missed_is_told(tmp_path: Path) -> None:
    with pytest.raises(IdentityNotInjected, match="AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE not set"):
        require_injected_identity({})
    token = tmp_path / "token"
    environment = {"AWS_ROLE_ARN": AGENT_ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": str(token)}
    with pytest.raises(IdentityNotInjected, match="which does not exist"):
        require_injected_identity(environment)
    token.write_text("token")
    require_injected_identity(environment)


async def test_without_an_identity_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_WEB_IDENTITY_TOKEN_FILE", raising=False)
    sts = BotoSTS()
    with pytest.raises(IdentityNotInjected):
        await sts.assume_role(REQUEST)
    assert not sts._clients
    sts.close()


async def test_a_machine_without_credentials_is_told_and_asked_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ROLE_ARN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
    sts = BotoSTS(required=any_identity)
    sts.check_identity()
    with pytest.raises(IdentityNotInjected, match="instance profile"):
        await sts.caller_identity("us-east-1")
    with pytest.raises(IdentityNotInjected, match="instance profile"):
        sts.check_identity()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with pytest.raises(AWSError) as refused:
        await sts.caller_identity("us-east-1")
    assert refused.value.retryable
    sts.check_identity()
    sts.close()


def test_in_a_pod_the_chain_is_not_asked_before_its_identity_is_injected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ROLE_ARN", raising=False)
    sts = BotoSTS()
    with pytest.raises(IdentityNotInjected, match="the EKS pod identity webhook"):
        sts.check_identity()
    sts.close()
