"""A look at a token before anyone else is asked: cheap, and it proves nothing.

A projected ServiceAccount token is a JWT (RFC 7519). Whatever is not one, is for another database or has ended is
refused here with words that say what to do, so that the API server is asked only about tokens that may be good.
The signature is the API server's to verify.
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
class Claims:
    """What a token says of itself."""

    expires: float
    """Unix seconds."""


def inspect(token: Secret, *, audience: str, now: float) -> Claims:
    """Claims of a token that may be good for this audience; raises AuthenticationError."""
    payload = _payload(token.reveal(), audience)
    _check_audience(payload.get("aud"), audience)
    expires = payload.get("exp")
    if isinstance(expires, bool) or not isinstance(expires, int | float) or not abs(expires) < _LATEST:
        raise _malformed("it has no expiry", audience)
    if expires <= now:
        ended = datetime.datetime.fromtimestamp(max(expires, 0), datetime.UTC)
        raise AuthenticationError(
            f"the token expired at {ended:%Y-%m-%dT%H:%M:%SZ}: Kubernetes renews the token file, so read it again for "
            "each new connection",
            reason="TokenExpired",
        )
    return Claims(expires=float(expires))


def _payload(token: str, audience: str) -> dict[str, Any]:
    if len(token) > MAXIMUM_TOKEN_BYTES:
        raise _malformed(f"it is longer than {MAXIMUM_TOKEN_BYTES} bytes", audience)
    parts = token.split(".")
    if len(parts) != 3 or not all(parts):
        raise _malformed("it does not consist of three parts", audience)
    header, payload = _json(parts[0]), _json(parts[1])
    if header is None or payload is None:
        raise _malformed("its parts are not JSON", audience)
    return payload


def _json(part: str) -> dict[str, Any] | None:
    try:
        decoded = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
        value = json.loads(decoded)
    except (binascii.Error, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _check_audience(claim: object, audience: str) -> None:
    audiences = [claim] if isinstance(claim, str) else claim
    if not isinstance(audiences, list) or not all(isinstance(value, str) for value in audiences):
        raise _malformed("it names no audience", audience)
    if audience in audiences:
        return
    shown = ", ".join(repr(value[:_SHOWN]) for value in audiences[:4]) or "nothing"
    raise AuthenticationError(
        f"the token is for {shown}, not for this database: use a projected ServiceAccount token with the audience "
        f"'{audience}'",
        reason="WrongAudience",
    )


def _malformed(what: str, audience: str) -> AuthenticationError:
    return AuthenticationError(
        f"the password is not a ServiceAccount token: {what}; send the content of a projected token file with "
        f"the audience '{audience}'",
        reason="NotAToken",
    )
