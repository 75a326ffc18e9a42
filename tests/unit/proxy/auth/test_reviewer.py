"""What a TokenReview must say before a caller is believed."""

from __future__ import annotations

from typing import Any

import pytest

from keyward_proxy.auth.errors import AuthenticationError
from keyward_proxy.auth.reviewer import KubernetesTokenReviewer, identity_of
from keyward_proxy.kubernetes_api import KubernetesUnavailable
from keyward_proxy.session.secret import Secret
from tests.unit.proxy.support import AUDIENCE


def status(**changes: Any) -> dict[str, Any]:
    user = {
        "username": "system:serviceaccount:payments:app",
        "uid": "u1",
        "groups": ["system:serviceaccounts", "system:serviceaccounts:payments", "system:authenticated"],
        "extra": {"authentication.kubernetes.io/pod-name": ["app-1"]},
    }
    return {"authenticated": True, "audiences": [AUDIENCE], "user": user} | changes


def test_a_service_account_of_this_audience_is_believed() -> None:
    identity = identity_of(status(), AUDIENCE)
    assert identity.username == "system:serviceaccount:payments:app"
    assert (identity.uid, identity.pod) == ("u1", "app-1")
    assert "system:serviceaccounts:payments" in identity.groups


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"authenticated": False}, "TokenRejected"),
        ({"audiences": []}, "WrongAudience"),
        ({"audiences": None}, "WrongAudience"),
        ({"audiences": ["https://kubernetes.default.svc"]}, "WrongAudience"),
        ({"user": {"username": "system:serviceaccount:payments:app"}}, "TokenRejected"),
        ({"user": {"username": "alice", "uid": "1"}}, "NotAServiceAccount"),
        ({"user": {"username": "system:serviceaccount:payments", "uid": "1"}}, "NotAServiceAccount"),
        ({"user": None}, "TokenRejected"),
    ],
)
def test_anything_less_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(AuthenticationError) as caught:
        identity_of(status(**changes), AUDIENCE)
    assert caught.value.reason == reason


class OneAnswerAPI:
    """Remembers what it was asked."""

    def __init__(self, answer: dict[str, Any] | KubernetesUnavailable) -> None:
        self.answer = answer
        self.asked: list[tuple[str, str, Any]] = []

    async def request(self, method: str, path: str, *, body: Any) -> dict[str, Any]:
        self.asked.append((method, path, body))
        if isinstance(self.answer, KubernetesUnavailable):
            raise self.answer
        return self.answer


async def test_the_audience_is_named_in_the_request() -> None:
    api = OneAnswerAPI({"status": status()})
    await KubernetesTokenReviewer(api).review(Secret("a.b.c"), audience=AUDIENCE)
    [(method, path, body)] = api.asked
    assert (method, path) == ("POST", "/apis/authentication.k8s.io/v1/tokenreviews")
    assert body["spec"] == {"token": "a.b.c", "audiences": [AUDIENCE]}


async def test_without_an_answer_nobody_is_believed() -> None:
    api = OneAnswerAPI(KubernetesUnavailable("503"))
    with pytest.raises(AuthenticationError) as caught:
        await KubernetesTokenReviewer(api).review(Secret("a.b.c"), audience=AUDIENCE)
    assert caught.value.retryable
    assert "a.b.c" not in str(caught.value)
