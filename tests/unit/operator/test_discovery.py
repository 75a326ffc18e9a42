from typing import Any, cast

import pytest

from keyward_operator.clients.errors import ApiError
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.discovery import OWN_KINDS, missing_kinds

ALL = [kind.plural for kind in OWN_KINDS]


class Answers:
    """Discovery, as the API server answers one request after another."""

    def __init__(self, *answers: list[str] | ApiError) -> None:
        self.left = list(answers)

    async def get_path(self, path: str) -> dict[str, Any]:
        assert path == "/apis/keyward.dev/v1alpha1"
        answer = self.left.pop(0)
        if isinstance(answer, ApiError):
            raise answer
        return {"resources": [{"name": name} for name in answer]}


def api(*answers: list[str] | ApiError) -> KubernetesApi:
    return cast(KubernetesApi, Answers(*answers))


@pytest.mark.parametrize(
    ("answer", "missing"),
    [
        (ALL, []),
        (ALL[1:], ALL[:1]),
        ([f"{name}/status" for name in ALL], sorted(ALL)),
        (ApiError("no such group", status=404), sorted(ALL)),
    ],
)
async def test_what_is_not_listed_is_missing(answer: list[str] | ApiError, missing: list[str]) -> None:
    assert await missing_kinds(api(answer)) == missing


@pytest.mark.parametrize("status", [0, 403, 500, 503])
async def test_a_server_that_does_not_tell_has_lost_nothing(status: int) -> None:
    with pytest.raises(ApiError):
        await missing_kinds(api(ApiError("no answer", status=status)))
