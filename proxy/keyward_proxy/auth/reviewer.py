"""TokenReview: the API server verifies a token.

The audience is named in the request and looked for in the answer: without it the API server would check its own
default audience, accept any token made for itself and refuse ours.
"""

from __future__ import annotations

from typing import Any

from keyward_api.identities import CallerIdentity, UnknownIdentityError, service_account
from keyward_proxy.auth.errors import AuthenticationError
from keyward_proxy.kubernetes_api import KubernetesAPI, KubernetesUnavailable
from keyward_proxy.session.secret import Secret

PATH = "/apis/authentication.k8s.io/v1/tokenreviews"
_EXTRA_POD = "authentication.kubernetes.io/pod-name"


class KubernetesTokenReviewer:
    """Asks the cluster's API server."""

    def __init__(self, api: KubernetesAPI) -> None:
        self._api = api

    async def review(self, token: Secret, *, audience: str) -> CallerIdentity:
        """The identity that the token proves; raises AuthenticationError."""
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": {"token": token.reveal(), "audiences": [audience]},
        }
        try:
            answer = await self._api.request("POST", PATH, body=body)
        except KubernetesUnavailable as error:
            raise AuthenticationError(
                "the Kubernetes API server, which verifies tokens, did not answer; try again",
                reason="TokenReviewUnavailable",
                retryable=True,
            ) from error
        return identity_of(answer.get("status") or {}, audience)


def identity_of(status: dict[str, Any], audience: str) -> CallerIdentity:
    """The identity in a TokenReview's status; raises AuthenticationError."""
    if not status.get("authenticated"):
        raise AuthenticationError(
            "Kubernetes does not accept the token: it was revoked with its pod or ServiceAccount, or is not of this "
            "cluster; read the token file again",
            reason="TokenRejected",
        )
    if audience not in (status.get("audiences") or ()):
        raise AuthenticationError(f"the token is not for the audience '{audience}'", reason="WrongAudience")
    user = status.get("user") or {}
    if not user.get("uid"):
        raise AuthenticationError("Kubernetes named no uid for this token's ServiceAccount", reason="TokenRejected")
    try:
        return service_account(
            user.get("username", ""),
            uid=user["uid"],
            groups=frozenset(user.get("groups") or ()),
            pod=((user.get("extra") or {}).get(_EXTRA_POD) or [""])[0],
        )
    except UnknownIdentityError as error:
        raise AuthenticationError(str(error), reason="NotAServiceAccount") from error
