"""A look at a token before anyone else is asked: cheap, and it proves nothing.

A token is a JWT (RFC 7519). Whatever is not one, is for another database or has ended is refused here with words that
say what to do, so that only tokens that may be good are looked at further. The signature is the API server's to verify,
or that of an issuer's keys.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import json
from dataclasses import dataclass
from typing import Any

from keyward_proxy.auth.errors import AuthenticationError
from keyward_proxy.session.secret import Secret
from keyward_proxy.session.settings import MAXIMUM_TOKEN_BYTES

_LATEST = 2**37
"""Seconds: no token lives to the year 6000, and datetime ends soon after."""

_SHOWN = 100
"""Characters of a claim shown back to the caller."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedToken:
    """How callers are told what to send."""

    what: str
    """With its article, such as `a ServiceAccount token`."""

    source: str
    """Where it comes from, in the imperative."""

    renewal: str
    """Who renews it."""


SERVICE_ACCOUNT_TOKEN = WantedToken(
    what="a ServiceAccount token",
    source="send a projected ServiceAccount token",
    renewal="Kubernetes renews the token file, so read it again for each new connection",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Claims:
    """What a token says of itself."""

    expires: float
    """Unix seconds."""


def inspect(token: Secret, *, audience: str, now: float, wanted: WantedToken = SERVICE_ACCOUNT_TOKEN) -> Claims:
    """Claims of a token that may be good for this audience; raises AuthenticationError."""
    try:
        _, payload = read(token)
        _check_audience(payload.get("aud"), audience, wanted)
        expires = payload.get("exp")
        if isinstance(expires, bool) or not isinstance(expires, int | float) or not abs(expires) < _LATEST:
            raise MalformedTokenError("it has no expiry")
    except MalformedTokenError as error:
        raise AuthenticationError(
            f"the password is not {wanted.what}: {error}; {wanted.source} with the audience '{audience}'",
            reason="NotAToken",
        ) from None
    if expires <= now:
        ended = datetime.datetime.fromtimestamp(max(expires, 0), datetime.UTC)
        raise AuthenticationError(
            f"the token expired at {ended:%Y-%m-%dT%H:%M:%SZ}: {wanted.renewal}", reason="TokenExpired"
        )
    return Claims(expires=float(expires))


class MalformedTokenError(Exception):
    """What a token would need to have."""


def read(token: Secret) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and payload, which nobody has verified; raises MalformedTokenError."""
    text = token.reveal()
    if len(text) > MAXIMUM_TOKEN_BYTES:
        raise MalformedTokenError(f"it is longer than {MAXIMUM_TOKEN_BYTES} bytes")
    parts = text.split(".")
    if len(parts) != 3 or not all(parts):
        raise MalformedTokenError("it does not consist of three parts")
    header, payload = _json(parts[0]), _json(parts[1])
    if header is None or payload is None:
        raise MalformedTokenError("its parts are not JSON")
    return header, payload


def _json(part: str) -> dict[str, Any] | None:
    try:
        decoded = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
        value = json.loads(decoded)
    except (binascii.Error, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _check_audience(claim: object, audience: str, wanted: WantedToken) -> None:
    audiences = [claim] if isinstance(claim, str) else claim
    if not isinstance(audiences, list) or not all(isinstance(value, str) for value in audiences):
        raise MalformedTokenError("it names no audience")
    if audience in audiences:
        return
    shown = ", ".join(repr(value[:_SHOWN]) for value in audiences[:4]) or "nothing"
    raise AuthenticationError(
        f"the token is for {shown}, not for this database: {wanted.source} with the audience '{audience}'",
        reason="WrongAudience",
    )
