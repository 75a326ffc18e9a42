"""What is asked of STS for a caller, and which requests may share an answer."""

from __future__ import annotations

import dataclasses
import json

import pytest

from keyward_api.decision import PolicyView
from keyward_api.iam import SessionPolicyError
from keyward_api.identities import CallerIdentity
from keyward_proxy.aws.credentials import AssumeRoleRequest, request_for
from tests.unit.proxy.support import READER, policy

APP = CallerIdentity(namespace="payments", name="app", uid="u1")


def request_of(identity: CallerIdentity = APP) -> AssumeRoleRequest:
    view = PolicyView.of(policy())
    return request_for(view.grant_for(identity, ""), identity, view.database)


def test_aws_is_told_who_calls_and_what_the_grant_allows() -> None:
    request = request_of()
    assert request.role_arn == READER
    assert request.session_name == "payments@app"
    assert dict(request.tags) == {
        "keyward:namespace": "payments",
        "keyward:database": "orders",
        "keyward:user": "system:serviceaccount:payments:app",
    }
    assert request.external_id == "c1a5c0de-0000-4000-8000-000000000002/payments/orders"
    assert request.duration_seconds == 3600
    allowed = [statement for statement in json.loads(request.policy)["Statement"]]
    assert any("shop/table/*" in json.dumps(statement["Resource"]) for statement in allowed)


def test_a_user_name_too_long_for_a_tag_is_told_by_its_session_name() -> None:
    view = PolicyView.of(policy())
    grant = view.grant_for(APP, "")
    long_name = dataclasses.replace(APP, name="a" * 253)
    user = dict(request_for(grant, long_name, view.database).tags)["keyward:user"]
    assert user == long_name.session_name
    assert len(user) == 64


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("alice@example.com", "alice@example.com"),
        ("Zoë Żółć", "Zoë Żółć"),
        ("a|b", "u=a=7Cb"),
        ("Liddell, Alice", "u=Liddell=2C=20Alice"),
        ("𝄞\u200a<x>", "u==F0=9D=84=9E=E2=80=8A=3Cx=3E"),
    ],
)
def test_a_person_s_name_becomes_a_tag_that_sts_takes(name: str, tag: str) -> None:
    view = PolicyView.of(policy())
    alice = CallerIdentity(kind="User", name=name)
    assert dict(request_for(view.grant_for(APP, ""), alice, view.database).tags)["keyward:user"] == tag


@pytest.mark.parametrize(
    "change",
    [
        {"region": "eu-west-1"},
        {"role_arn": "arn:aws:iam::111122223333:role/Other"},
        {"session_name": "payments@other"},
        {"tags": ()},
        {"external_id": "other"},
        {"policy": "{}"},
        {"duration_seconds": 900},
    ],
)
def test_requests_that_differ_in_anything_have_different_keys(change: dict[str, object]) -> None:
    assert set(change) <= {field.name for field in dataclasses.fields(AssumeRoleRequest)}
    assert dataclasses.replace(request_of(), **change).key != request_of().key
    assert request_of().key == request_of().key


def test_a_grant_too_large_for_a_session_policy_is_refused() -> None:
    document = policy().to_json_dict()
    rule = document["grants"][0]["allow"][0]
    document["grants"][0]["allow"] = [rule | {"keyspaces": [f"keyspace_number_{n}" for n in range(60)]}]
    view = PolicyView.of(type(policy()).model_validate(document))
    with pytest.raises(SessionPolicyError, match="2048"):
        request_for(view.grant_for(APP, ""), APP, view.database)
