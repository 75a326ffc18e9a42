"""What strangers send as a login: only errors meant for it come of it, and none repeats a secret."""

from __future__ import annotations

import base64
import json

from keyward_proxy.auth.errors import AuthenticationError
from keyward_proxy.auth.token import inspect
from keyward_proxy.session.plain import CredentialsError, read_plain
from keyward_proxy.session.secret import Secret
from keyward_proxy.session.settings import MAXIMUM_TOKEN_BYTES
from tests.fuzz.choices import Choices

AUDIENCE = "keyward.dev/payments/orders"
CANARY = "canary-0f1e2d3c4b5a"
NOW = 1_700_000_000.0


def run(data: bytes) -> None:
    """Read one login's bytes."""
    choices = Choices(data)
    match choices.below(3):
        case 0:
            _plain(choices.rest())
        case 1:
            _plain(b"\0" + choices.string() + b"\0" + CANARY.encode() + choices.rest())
        case _:
            _token(choices)


def _plain(sent: bytes) -> None:
    try:
        name, secret = read_plain(sent)
    except CredentialsError as error:
        _tells_no_secret(error)
        return
    assert 0 < len(secret.reveal().encode()) <= MAXIMUM_TOKEN_BYTES
    assert CANARY not in f"{secret} {secret!r} {[secret]}"
    assert len(name) <= 640


def _token(choices: Choices) -> None:
    if choices.chance():
        parts = [_encoded(choices.string()), _encoded(choices.take(1024)), CANARY]
        token = ".".join([*parts[: 1 + choices.below(3)], CANARY])
    else:
        token = choices.rest().decode("latin-1") + CANARY
    try:
        claims = inspect(Secret(token), audience=AUDIENCE, now=NOW)
    except AuthenticationError as error:
        _tells_no_secret(error)
        return
    assert claims.expires > NOW


def _tells_no_secret(error: Exception) -> None:
    assert CANARY not in str(error)
    assert len(str(error)) < 2048


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def seeds() -> list[bytes]:
    """Logins as drivers send them, and tokens of the right shape."""
    claims = {"aud": [AUDIENCE], "exp": NOW + 600, "iss": "https://kubernetes", "sub": "system:serviceaccount:a:b"}
    header = json.dumps({"alg": "RS256"}).encode()
    token = bytes([2, 1, len(header)]) + header + json.dumps(claims).encode()
    return [b"\0\0Reader\0token", b"\1\6Reader", token, b"\2\0eyJhbGciOiJSUzI1NiJ9.e30.", b"\0SigV4\0\0"]
