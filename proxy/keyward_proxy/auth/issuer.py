"""Tokens of a configured issuer, verified with its keys: where no API server can be asked.

RFC 7519 and RFC 8725: the algorithm is allowed by us and fits the key, the key is the issuer's and never one that the
token brings along, issuer and audience are exactly those configured, and there is an end. A token of a cluster's
own issuer (`sub` is a ServiceAccount) stands for that ServiceAccount, as in the cluster; unlike there, one that was
deleted may log in until its tokens end. Any other token stands for a person.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry

from keyward_api.identities import CallerIdentity, UnknownIdentityError, person, service_account
from keyward_proxy.auth.errors import AuthenticationError
from keyward_proxy.auth.key_set import ALGORITHMS, VerifyingKey
from keyward_proxy.auth.key_source import KeySource, KeysUnavailable
from keyward_proxy.auth.token import MalformedTokenError, WantedToken, read
from keyward_proxy.clock import Clock
from keyward_proxy.session.secret import Secret
from keyward_proxy.session.settings import MAXIMUM_TOKEN_BYTES

logger = logging.getLogger(__name__)

LEEWAY_SECONDS = 30.0
"""How far the issuer's clock may be ahead of this one; the end of a token is never put off."""

_SERVICE_ACCOUNT = "system:serviceaccount:"
_GROUP_OF_ALL = "system:serviceaccounts"


@dataclass(frozen=True, kw_only=True, slots=True)
class Issuer:
    """Whose tokens count, and what in them names a person."""

    url: str
    """Compared with `iss` as it is."""

    username_claim: str = "sub"
    groups_claim: str = "groups"

    @property
    def wanted(self) -> WantedToken:
        """How callers are told what to send."""
        return WantedToken(
            what=f"a token of {self.url}",
            source=f"send a token that {self.url} issued",
            renewal="get a new one for each new connection",
        )


class IssuerTokenReviewer:
    """See `keyward_proxy.auth.authenticator.TokenReviewer`."""

    def __init__(self, issuer: Issuer, *, keys: KeySource, clock: Clock) -> None:
        self._issuer = issuer
        self._keys = keys
        self._clock = clock

    async def review(self, token: Secret, *, audience: str) -> CallerIdentity:
        """The identity that the token proves; raises AuthenticationError."""
        key, algorithm = await self._key_of(token)
        try:
            claims = jwt.decode(token.reveal(), key.key, registry=_Registry(algorithms=[algorithm])).claims
        except (JoseError, ValueError, RecursionError) as error:
            logger.debug("token refused", extra={"error": type(error).__name__})
            raise AuthenticationError(
                f"the signature of the token is not one of {self._issuer.url}", reason="TokenRejected"
            ) from None
        self._check(claims, audience)
        return self._identity(claims)

    async def _key_of(self, token: Secret) -> tuple[VerifyingKey, str]:
        try:
            header, _ = read(token)
        except MalformedTokenError as error:
            raise AuthenticationError(f"the password is no token: {error}", reason="NotAToken") from None
        algorithm, kid = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
            raise AuthenticationError(
                f"the token is signed with {str(algorithm)[:32]!r}; accepted are {', '.join(sorted(ALGORITHMS))}",
                reason="UnsupportedAlgorithm",
            )
        if "crit" in header or "b64" in header or not isinstance(kid, str | None):
            raise AuthenticationError("the token's header asks for what is not supported", reason="UnsupportedHeader")
        try:
            key = await self._keys.find(kid, algorithm)
        except KeysUnavailable as error:
            raise AuthenticationError(
                f"the keys of {self._issuer.url}, which verify tokens, could not be had; try again",
                reason="IssuerKeysUnavailable",
                retryable=True,
            ) from error
        if key is None:
            raise AuthenticationError(
                f"the token is signed with a key that {self._issuer.url} does not have", reason="UnknownKey"
            )
        return key, algorithm

    def _check(self, claims: dict[str, Any], audience: str) -> None:
        if claims.get("iss") != self._issuer.url:
            raise AuthenticationError(
                f"the token is of another issuer: only those of {self._issuer.url} are accepted", reason="WrongIssuer"
            )
        found = claims.get("aud")
        if audience not in ([found] if isinstance(found, str) else found if isinstance(found, list) else []):
            raise AuthenticationError(f"the token is not for the audience '{audience}'", reason="WrongAudience")
        now = self._clock.wall()
        if not _is_number(claims.get("exp")) or claims["exp"] <= now:
            raise AuthenticationError(f"the token has ended: {self._issuer.wanted.renewal}", reason="TokenExpired")
        for name in ("nbf", "iat"):
            if name in claims and not (_is_number(claims[name]) and claims[name] <= now + LEEWAY_SECONDS):
                raise AuthenticationError(
                    "the token is not valid yet: compare the issuer's clock with this machine's",
                    reason="TokenNotYetValid",
                )

    def _identity(self, claims: dict[str, Any]) -> CallerIdentity:
        subject = claims.get("sub")
        try:
            if isinstance(subject, str) and subject.startswith(_SERVICE_ACCOUNT):
                return _service_account(subject, claims)
            return person(self._username(claims), groups=self._groups(claims))
        except UnknownIdentityError as error:
            raise AuthenticationError(f"the token names nobody: {error}", reason="UnknownIdentity") from error

    def _username(self, claims: dict[str, Any]) -> str:
        claim = self._issuer.username_claim
        name = claims.get(claim)
        if not isinstance(name, str):
            raise UnknownIdentityError(f"it has no text in the claim '{claim}'")
        if claim == "email" and claims.get("email_verified") is not True:
            raise UnknownIdentityError("its e-mail address is not verified ('email_verified')")
        return name

    def _groups(self, claims: dict[str, Any]) -> frozenset[str]:
        claim = self._issuer.groups_claim
        found = claims.get(claim, [])
        groups = [found] if isinstance(found, str) else found
        if not isinstance(groups, list) or not all(isinstance(group, str) for group in groups):
            raise UnknownIdentityError(f"its claim '{claim}' is not a list of names")
        return frozenset(groups)


class _Registry(JWSRegistry):
    """Bounded by what a password may hold, and open to headers that say nothing that matters here."""

    max_header_length = MAXIMUM_TOKEN_BYTES

    def __init__(self, algorithms: list[str]) -> None:
        super().__init__(algorithms=algorithms, strict_check_header=False)

    def get_alg(self, name: str) -> Any:  # noqa: ANN401  (joserfc's own, not exported)
        """The algorithm, if it is the one allowed; EdDSA without joserfc's warning that RFC 9864 has renamed it."""
        if self.allowed is None or name not in self.allowed:
            raise ValueError(f"algorithm {name} is not allowed")
        return self.algorithms[name]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _service_account(subject: str, claims: dict[str, Any]) -> CallerIdentity:
    """With the groups that the API server would give it; claims for people say nothing here."""
    bound = claims.get("kubernetes.io")
    about = bound if isinstance(bound, dict) else {}
    namespace = subject.removeprefix(_SERVICE_ACCOUNT).partition(":")[0]
    return service_account(
        subject,
        uid=_text(about, "serviceaccount", "uid"),
        groups=frozenset({_GROUP_OF_ALL, f"{_GROUP_OF_ALL}:{namespace}"}),
        pod=_text(about, "pod", "name"),
    )


def _text(about: dict[str, Any], part: str, name: str) -> str:
    found = about.get(part)
    value = found.get(name) if isinstance(found, dict) else None
    return value if isinstance(value, str) else ""
