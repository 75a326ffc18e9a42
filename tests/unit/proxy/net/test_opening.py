"""Credentials, then the connection; each failure with its own reason."""

from __future__ import annotations

import ssl

import pytest

from keyward_api.decision import EffectiveGrant, PolicyView
from keyward_proxy.aws.credentials import AssumeRoleRequest, Credentials
from keyward_proxy.aws.errors import AWSError
from keyward_proxy.clock import SystemClock
from keyward_proxy.net.errors import UpstreamUnreachable
from keyward_proxy.net.opening import Opened, OpeningFailed, UpstreamOpener
from keyward_proxy.net.upstream import Endpoint
from keyward_proxy.session.secret import Secret
from tests.unit.proxy.net.relays import APP, GRANT, VIEW
from tests.unit.proxy.support import policy

CREDENTIALS = Credentials(access_key_id="ASIA1", secret_access_key=Secret("s"), session_token=Secret("t"), expires=1.0)


class Outside:
    """STS and network in one, each failing as told."""

    def __init__(self, *, refusal: AWSError | None = None, unreachable: UpstreamUnreachable | None = None) -> None:
        self.refusal = refusal
        self.unreachable = unreachable
        self.requests: list[AssumeRoleRequest] = []
        self.endpoints: list[Endpoint] = []

    async def get(self, request: AssumeRoleRequest) -> Credentials:
        self.requests.append(request)
        if self.refusal:
            raise self.refusal
        return CREDENTIALS

    async def connect(self, endpoint: Endpoint) -> ssl.SSLSocket:
        self.endpoints.append(endpoint)
        if self.unreachable:
            raise self.unreachable
        return object()  # type: ignore[return-value]


async def open_with(outside: Outside, grant: EffectiveGrant = GRANT) -> Opened:
    opener = UpstreamOpener(credentials=outside, connector=outside, clock=SystemClock())
    return await opener.open(grant, APP, VIEW.database)


async def test_the_connection_comes_with_a_signature_for_the_databases_region() -> None:
    outside = Outside()
    opened = await open_with(outside)
    assert opened.session_name == "payments@app"
    assert outside.endpoints == [Endpoint(address="127.0.0.1", port=9142, server_name="agent.test", roots=None)]
    response = opened.sign(b"0" * 32).decode()
    assert ",access_key=ASIA1,amzdate=" in response
    assert response.endswith(",session_token=t")


async def test_what_sts_refuses_is_told_and_nothing_is_dialled() -> None:
    outside = Outside(refusal=AWSError("mend the trust policy", reason="AccessDenied"))
    with pytest.raises(OpeningFailed, match="mend the trust policy") as failed:
        await open_with(outside)
    assert (failed.value.reason, failed.value.retryable) == ("AccessDenied", False)
    assert not outside.endpoints


async def test_an_unreachable_endpoint_is_told() -> None:
    outside = Outside(unreachable=UpstreamUnreachable("no route"))
    with pytest.raises(OpeningFailed, match="no route") as failed:
        await open_with(outside)
    assert (failed.value.reason, failed.value.retryable) == ("UpstreamUnreachable", True)


@pytest.mark.parametrize("reason", ["STSUnavailable", "STSThrottled"])
async def test_an_outage_of_sts_is_not_a_refusal(reason: str) -> None:
    """Drivers give up after an ERROR at login, and the same login works as soon as STS does."""
    with pytest.raises(OpeningFailed) as failed:
        await open_with(Outside(refusal=AWSError("try again", reason=reason)))
    assert failed.value.retryable


async def test_a_grant_that_iam_cannot_be_told_of_is_refused_before_sts_is_asked() -> None:
    document = policy().to_json_dict()
    rule = document["grants"][0]["allow"][0]
    document["grants"][0]["allow"] = [rule | {"keyspaces": [f"keyspace_number_{n}" for n in range(60)]}]
    outside = Outside()
    with pytest.raises(OpeningFailed) as failed:
        await open_with(outside, PolicyView.of(type(policy()).model_validate(document)).grant_for(APP, ""))
    assert failed.value.reason == "GrantTooLarge"
    assert not outside.requests
