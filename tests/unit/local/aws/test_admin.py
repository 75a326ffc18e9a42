"""The admin API over HTTP."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from local.aws.admin import admin_application
from local.aws.errors import AwsError
from tests.unit.local.aws.conftest import Account, allow
from tests.unit.local.aws.test_keyspaces import ITEMS, login

AUTHORIZED = {"Authorization": "Bearer token"}


@pytest.fixture
async def admin(account: Account) -> AsyncIterator[TestClient[Any, Any]]:
    application = admin_application(account.access, account.access.calls, account.faults, "token")
    async with TestClient(TestServer(application)) as client:
        yield client


def body_of(account: Account) -> dict[str, Any]:
    ann = account.user("ann", allow("cassandra:Select"))
    signed = login(account, ann)
    return {
        "accessKeyId": signed.access_key_id,
        "sessionToken": None,
        "nonce": signed.nonce,
        "amzdate": signed.amzdate,
        "region": signed.region,
        "signature": signed.signature,
    }


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer tokem"}, {"Authorization": "token"}])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/keyspaces/authenticate"),
        ("POST", "/keyspaces/authorize"),
        ("GET", "/calls"),
        ("DELETE", "/calls"),
        ("PUT", "/faults"),
    ],
)
async def test_every_call_needs_the_token(
    admin: TestClient[Any, Any], headers: dict[str, str], method: str, path: str
) -> None:
    async with admin.request(method, path, headers=headers) as response:
        assert response.status == 401


async def test_health_needs_none(admin: TestClient[Any, Any]) -> None:
    async with admin.get("/healthz") as response:
        assert response.status == 200


async def test_a_login_then_questions(account: Account, admin: TestClient[Any, Any]) -> None:
    body = body_of(account)
    async with admin.post("/keyspaces/authenticate", json=body, headers=AUTHORIZED) as response:
        assert response.status == 200
        found = await response.json()
    assert set(found) == {"principal", "account", "session", "expiration"}
    for action, allowed in (("cassandra:Select", True), ("cassandra:Modify", False)):
        question = {"session": found["session"], "action": action, "resources": [ITEMS]}
        async with admin.post("/keyspaces/authorize", json=question, headers=AUTHORIZED) as response:
            answer = await response.json()
        assert answer["allowed"] is allowed
        assert bool(answer["reason"]) is not allowed


async def test_a_refused_login_is_403_with_a_code(account: Account, admin: TestClient[Any, Any]) -> None:
    body = body_of(account) | {"signature": "0" * 64}
    async with admin.post("/keyspaces/authenticate", json=body, headers=AUTHORIZED) as response:
        assert response.status == 403
        assert await response.json() == {
            "code": "BadSignature",
            "message": "Authentication failure: Invalid signature",
        }


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"session": "s", "action": "cassandra:Select", "resources": []},
        {"session": "s", "action": "Select", "resources": ["*"]},
        {"session": "s", "action": "iam:CreateUser", "resources": ["*"]},
        {"session": "s", "action": "cassandra:Select", "resources": "*"},
        {"session": 1, "action": "cassandra:Select", "resources": ["*"]},
        {"session": "s", "action": "cassandra:Select", "resources": ["*"], "more": 1},
    ],
)
async def test_a_question_must_be_complete(admin: TestClient[Any, Any], body: dict[str, Any]) -> None:
    async with admin.post("/keyspaces/authorize", json=body, headers=AUTHORIZED) as response:
        assert response.status == 400
    async with admin.post("/keyspaces/authorize", data=b"\xff", headers=AUTHORIZED) as response:
        assert response.status == 400


async def test_a_faulty_body_is_not_echoed(account: Account, admin: TestClient[Any, Any]) -> None:
    body = body_of(account) | {"sessionToken": ["canary"]}
    async with admin.post("/keyspaces/authenticate", json=body, headers=AUTHORIZED) as response:
        assert response.status == 400
        assert "canary" not in await response.text()


async def test_calls_are_shown_and_cleared(account: Account, admin: TestClient[Any, Any]) -> None:
    account.user("ann")
    async with admin.get("/calls", headers=AUTHORIZED) as response:
        calls = await response.json()
    assert [call["action"] for call in calls] == ["iam:CreateUser", "iam:CreateAccessKey"]
    assert set(calls[0]) == {"time", "action", "principal", "parameters", "error"}
    async with admin.delete("/calls", headers=AUTHORIZED) as response:
        assert response.status == 204
    async with admin.get("/calls", headers=AUTHORIZED) as response:
        assert await response.json() == []


async def test_faults_are_set_all_at_once(account: Account, admin: TestClient[Any, Any]) -> None:
    refusals = [{"action": "iam:*", "code": "Throttling", "times": 1}]
    body = {"refusals": refusals, "visibilityDelaySeconds": 2.5}
    async with admin.put("/faults", json=body, headers=AUTHORIZED) as response:
        assert response.status == 204
    assert account.faults.visibility_delay_seconds == 2.5
    with pytest.raises(AwsError, match="Rate exceeded"):
        account.faults.check("iam:GetRole")
    async with admin.put("/faults", json={}, headers=AUTHORIZED) as response:
        assert response.status == 204
    assert account.faults.visibility_delay_seconds == 0


@pytest.mark.parametrize(
    "refusal",
    [
        {"action": "iam:*", "code": "Nonsense", "times": 1},
        {"action": "s3:*", "code": "Throttling", "times": 1},
        {"action": "iam:*", "code": "Throttling", "times": 0},
    ],
)
async def test_a_fault_that_is_none_is_refused(admin: TestClient[Any, Any], refusal: dict[str, Any]) -> None:
    async with admin.put("/faults", json={"refusals": [refusal]}, headers=AUTHORIZED) as response:
        assert response.status == 400
