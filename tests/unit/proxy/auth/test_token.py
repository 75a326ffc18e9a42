"""What a token says of itself, before anyone is asked."""

from __future__ import annotations

import base64

import pytest

from keyward_proxy.auth.errors import AuthenticationError
from keyward_proxy.auth.token import inspect
from keyward_proxy.session.secret import Secret
from tests.unit.proxy.support import AUDIENCE, jwt

NOW = 1_800_000_000.0


def refused(token: str) -> AuthenticationError:
    with pytest.raises(AuthenticationError) as caught:
        inspect(Secret(token), audience=AUDIENCE, now=NOW)
    assert token not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("audience", [AUDIENCE, [AUDIENCE], ["other", AUDIENCE]])
def test_a_token_for_this_database_passes(audience: object) -> None:
    claims = inspect(Secret(jwt({"aud": audience, "exp": NOW + 600})), audience=AUDIENCE, now=NOW)
    assert claims.expires == NOW + 600


@pytest.mark.parametrize(
    "text",
    [
        "hunter2",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "..",
        jwt({"exp": NOW + 1}) + "x" * 20_000,
        jwt("text"),
        jwt({}, header="text"),
        jwt({"aud": 7, "exp": NOW + 600}),
        jwt({"aud": [7], "exp": NOW + 600}),
        jwt({"aud": AUDIENCE}),
        jwt({"aud": AUDIENCE, "exp": True}),
        jwt({"aud": AUDIENCE, "exp": "tomorrow"}),
        "é.é.é",
    ],
)
def test_what_is_no_token_is_told_what_to_send(text: str) -> None:
    error = refused(text)
    assert error.reason == "NotAToken"
    assert AUDIENCE in str(error)
    assert not error.retryable


def test_a_default_api_token_is_for_another_audience() -> None:
    error = refused(jwt({"aud": ["https://kubernetes.default.svc"], "exp": NOW + 600}))
    assert error.reason == "WrongAudience"
    assert "'https://kubernetes.default.svc'" in str(error)
    assert AUDIENCE in str(error)


def test_a_hostile_audience_is_shown_short_and_escaped() -> None:
    error = refused(jwt({"aud": ["\x1b[2J" + "x" * 5000], "exp": NOW + 600}))
    assert "\x1b" not in str(error)
    assert len(str(error)) < 400


def test_another_databases_token_is_refused() -> None:
    assert refused(jwt({"aud": "keyward.dev/payments/invoices", "exp": NOW + 600})).reason == "WrongAudience"


@pytest.mark.parametrize("ended", [NOW, NOW - 1, -5])
def test_an_expired_token_is_told_to_be_read_again(ended: float) -> None:
    error = refused(jwt({"aud": AUDIENCE, "exp": ended}))
    assert error.reason == "TokenExpired"
    assert "read it again" in str(error)


def test_deeply_nested_json_is_refused() -> None:
    part = base64.urlsafe_b64encode(b"[" * 5000).rstrip(b"=").decode()
    assert refused(f"{part}.{part}.c").reason == "NotAToken"


@pytest.mark.parametrize("exp", ["1e400", "NaN", "-1e400"])
def test_an_expiry_that_is_no_time_is_refused(exp: str) -> None:
    def part(text: str) -> str:
        return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()

    claims = '{"aud": "AUDIENCE", "exp": EXP}'.replace("AUDIENCE", AUDIENCE).replace("EXP", exp)
    token = f"{part('{}')}.{part(claims)}.c"
    assert refused(token).reason == "NotAToken"
