"""Web identity tokens: who a token names, once its signature, issuer, audience and times are proven.

The keys of an issuer come from a JWKS file (Kubernetes' /openid/v1/jwks), read again whenever it changes,
where AWS would fetch them from the issuer. Source: "Create an OpenID Connect identity provider in IAM", IAM
User Guide; errors of AssumeRoleWithWebIdentity, STS API Reference.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import extract_compact

from local.aws.errors import AwsError
from local.aws.store import IamStore, OidcProvider

ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512")

_UNSUPPORTED_CLAIMS = ("https://aws.amazon.com/tags", "https://aws.amazon.com/source_identity")


@dataclass(frozen=True, kw_only=True, slots=True)
class WebIdentity:
    """The claims of a proven token."""

    provider: OidcProvider
    audience: str
    subject: str


class IssuerKeys:
    """The public keys of each trusted issuer."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files
        self._loaded: dict[str, tuple[tuple[int, int], KeySet]] = {}

    def of(self, issuer: str) -> KeySet:
        """Raises AwsError IDPCommunicationError where there is no readable JWKS for the issuer."""
        try:
            status = self._files[issuer].stat()
            version = (status.st_mtime_ns, status.st_size)
            if issuer not in self._loaded or self._loaded[issuer][0] != version:
                self._loaded[issuer] = (version, _key_set(self._files[issuer]))
        except (KeyError, OSError, ValueError, JoseError) as error:
            raise AwsError(
                "IDPCommunicationError",
                f"Couldn't retrieve verification key from your identity provider {issuer}: {error!r}",
            ) from error
        return self._loaded[issuer][1]


def verify(token: str, *, store: IamStore, keys: IssuerKeys, now: float) -> WebIdentity:
    """Raises AwsError InvalidIdentityToken, ExpiredTokenException, IDPRejectedClaim or IDPCommunicationError."""
    issuer = _claimed_issuer(token)
    provider = store.oidc_provider(issuer.removeprefix("https://"))
    if provider is None:
        raise _invalid(f"No OpenIDConnect provider found in your account for {issuer}")
    claims = _verified_claims(token, keys.of(issuer), issuer)
    _check_times(claims, now)
    audience, subject = _audience(claims, provider), claims.get("sub")
    if not isinstance(subject, str) or not subject:
        raise _rejected("The token has no subject (claim sub)")
    unsupported = [claim for claim in _UNSUPPORTED_CLAIMS if claim in claims]
    if unsupported:
        raise _rejected(f"Local AWS does not implement the claims {', '.join(unsupported)}")
    return WebIdentity(provider=provider, audience=audience, subject=subject)


def _key_set(path: Path) -> KeySet:
    return KeySet.import_key_set(json.loads(path.read_text()))


def _claimed_issuer(token: str) -> str:
    try:
        claims = json.loads(extract_compact(token.encode()).payload)
        issuer = claims["iss"]
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise _invalid(
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
        ) from error
    if not isinstance(issuer, str) or not issuer.startswith("https://"):
        raise _invalid("The issuer of the ID Token must be an https:// URL")
    return issuer


def _verified_claims(token: str, keys: KeySet, issuer: str) -> dict[str, Any]:
    try:
        return dict(jwt.decode(token, keys, algorithms=list(ALGORITHMS)).claims)
    except (JoseError, ValueError) as error:
        raise _invalid(f"The ID Token's signature could not be verified with the keys of {issuer}: {error}") from error


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    expires, issued = _number(claims.get("exp")), _number(claims.get("iat"))
    if expires is None or issued is None:
        raise _invalid("Missing a required claim: exp and iat must be numbers")
    if now >= expires:
        raise AwsError(
            "ExpiredTokenException",
            f"Token expired: current date/time {int(now)} must be before the expiration date/time {int(expires)}",
        )
    not_before = _number(claims.get("nbf", issued))
    if not_before is None or max(issued, not_before) > now:
        raise _rejected("Token is not valid yet (claims iat, nbf)")


def _audience(claims: Mapping[str, Any], provider: OidcProvider) -> str:
    """AWS compares `azp` in place of `aud` where a token has it; of several audiences none is chosen without it."""
    listed = claims.get("azp", claims.get("aud"))
    audiences = listed if isinstance(listed, list) else [listed]
    if len(audiences) != 1 or not isinstance(audiences[0], str) or audiences[0] not in provider.client_ids:
        raise _invalid("Incorrect token audience")
    return audiences[0]


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidIdentityToken", message)


def _rejected(message: str) -> AwsError:
    return AwsError("IDPRejectedClaim", message, status=403)
