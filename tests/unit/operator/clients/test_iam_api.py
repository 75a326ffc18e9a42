import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, NoRegionError

from keyward_operator.clients.iam_api import IamApi
from keyward_operator.clients.iam_errors import (
    IamAccessDeniedError,
    IamIdentityError,
    IamNotFoundError,
    IamUnavailableError,
)
from keyward_operator.iam import calls


class Answers:
    """boto3's client, with given answers."""

    def __init__(self, **answers: Any) -> None:
        self._answers = answers

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(*_: Any, **__: Any) -> Any:
            answer = self._answers[operation]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


def missing(operation: str) -> ClientError:
    return ClientError({"Error": {"Code": "NoSuchEntity", "Message": "no"}}, operation)


def denied(operation: str) -> ClientError:
    return ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, operation)


@pytest.fixture
async def api() -> AsyncIterator[IamApi]:
    async with IamApi(environment={"AWS_WEB_IDENTITY_TOKEN_FILE": "/token"}) as made:
        yield made


def answering(api: IamApi, **answers: Any) -> IamApi:
    api._clients.update({"iam": Answers(**answers), "sts": Answers(**answers)})
    return api


async def test_without_an_identity_of_its_own_the_operator_asks_nothing() -> None:
    async with IamApi(environment={"AWS_REGION": "us-east-1"}) as api:
        answering(api, get_caller_identity={"Arn": "arn:aws:sts::1:x", "Account": "1"})
        with pytest.raises(IamIdentityError, match=r"eks\.amazonaws\.com/role-arn"):
            await api.account()


def test_boto3_is_not_loaded_before_the_first_call() -> None:
    script = "import sys, keyward_operator.main, keyward_operator.reconcile.iam_role; sys.exit('boto3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_the_region_is_the_one_that_the_pod_is_told(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    api = IamApi(environment={"AWS_ACCESS_KEY_ID": "x", variable: "cn-north-1"})
    assert [api._client(service).meta.endpoint_url for service in ("iam", "sts")] == [
        "https://iam.cn-north-1.amazonaws.com.cn",
        "https://sts.cn-north-1.amazonaws.com.cn",
    ]


async def test_role_names_are_of_all_pages_and_tags_of_one_role(api: IamApi) -> None:
    pages = [{"Roles": [{"RoleName": "a"}]}, {"Roles": [{"RoleName": "b"}]}]
    paginator = SimpleNamespace(paginate=lambda **parameters: pages if parameters == {"PathPrefix": "/x/"} else [])
    answering(api, get_paginator=paginator, get_role={"Role": {"Tags": [{"Key": "k", "Value": "v"}]}})
    assert await api.role_names("/x/") == ["a", "b"]
    assert await api.role_tags("a") == {"k": "v"}
    answering(api, get_role=missing("GetRole"))
    assert await api.role_tags("a") is None


async def test_the_account_is_asked_for_once(api: IamApi) -> None:
    arn = "arn:aws-cn:sts::111122223333:assumed-role/keyward-operator/session"
    answering(api, get_caller_identity={"Arn": arn, "Account": "111122223333"})
    account = await api.account()
    assert (account.partition, account.account_id) == ("aws-cn", "111122223333")
    answering(api, get_caller_identity=missing("GetCallerIdentity"))
    assert await api.account() == account


async def test_what_is_missing_is_none_or_false(api: IamApi) -> None:
    answering(api, get_role=missing("GetRole"), get_open_id_connect_provider=missing("GetOpenIDConnectProvider"))
    assert await api.role("r", documents=False) is None
    assert await api.role_exists("r", "arn") is False
    assert await api.provider_exists("arn") is False


async def test_a_role_of_that_name_elsewhere_is_another(api: IamApi) -> None:
    answering(api, get_role={"Role": {"Arn": "arn:aws:iam::1:role/a/r"}})
    assert await api.role_exists("r", "arn:aws:iam::1:role/a/r") is True
    assert await api.role_exists("r", "arn:aws:iam::1:role/b/r") is False


async def test_what_was_removed_by_somebody_else_is_removed(api: IamApi) -> None:
    answering(api, delete_role=missing("DeleteRole"), put_role_policy=missing("PutRolePolicy"))
    await api.perform(calls.delete_role("r"))
    with pytest.raises(IamNotFoundError):
        await api.perform(calls.put_policy("r", "{}"))


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (EndpointConnectionError(endpoint_url="https://iam.amazonaws.com"), IamUnavailableError),
        (NoCredentialsError(), IamIdentityError),
        (NoRegionError(), IamIdentityError),
    ],
)
async def test_a_call_that_does_not_arrive_is_told_as_such(
    api: IamApi, failure: Exception, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        await answering(api, get_role=failure).role("r", documents=False)


async def test_a_removal_that_is_denied_because_it_was_done_was_done(api: IamApi) -> None:
    """The operator's rights go by a tag: there is none of a role that is gone, nor of one that was let go."""
    answering(api, delete_role=denied("DeleteRole"), get_role=missing("GetRole"))
    await api.perform(calls.delete_role("r"))
    answering(api, untag_role=denied("UntagRole"), get_role={"Role": {"Tags": [{"Key": "team", "Value": "a"}]}})
    await api.perform(calls.untag_role("r", ["ours"]))


async def test_a_removal_that_is_denied_is_told(api: IamApi) -> None:
    tagged = {"Role": {"Tags": [{"Key": "ours", "Value": "a"}]}}
    refusals = {"delete_role": denied("DeleteRole"), "untag_role": denied("UntagRole")}
    answering(api, **refusals, detach_role_policy=denied("DetachRolePolicy"), get_role=tagged)
    for call in (calls.delete_role("r"), calls.untag_role("r", ["ours"]), calls.detach("r", "arn")):
        with pytest.raises(IamAccessDeniedError):
            await api.perform(call)
    answering(api, **refusals, get_role={"Role": {}})
    with pytest.raises(IamAccessDeniedError):
        await api.perform(calls.delete_role("r"))
