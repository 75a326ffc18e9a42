"""An issuer's public keys: a JWK Set (RFC 7517), of which only keys fit for signatures are kept.

The allowed algorithms are those that only the issuer can sign with: never `none`, never one with a shared secret, in
which a public key would do as the secret. A key serves the algorithms of its own type; where it names one, only that.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey

MINIMUM_RSA_BITS = 2048
MAXIMUM_BYTES = 1024 * 1024
MAXIMUM_KEYS = 256

_RSA = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
_CURVES = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
_EDWARDS = frozenset({"EdDSA", "Ed25519"})
"""RFC 8037 and RFC 9864 name the same signature."""

ALGORITHMS = _RSA | frozenset(_CURVES.values()) | _EDWARDS

PublicKey = RSAKey | ECKey | OKPKey


class KeySetError(ValueError):
    """A key set that cannot be read, or has no key to verify signatures with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifyingKey:
    """A public key, and what it may verify."""

    key: PublicKey
    kid: str | None
    algorithms: frozenset[str]


@dataclass(frozen=True, slots=True)
class IssuerKeys:
    """The keys of one issuer at one moment."""

    keys: tuple[VerifyingKey, ...]

    @classmethod
    def parse(cls, document: bytes) -> IssuerKeys:
        """Read a JWK Set, leaving out what is for other uses; raises KeySetError."""
        if len(document) > MAXIMUM_BYTES:
            raise KeySetError(f"the key set is longer than {MAXIMUM_BYTES} bytes")
        try:
            listed = json.loads(document)["keys"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise KeySetError(f"this is not a JWK Set: {type(error).__name__}") from error
        if not isinstance(listed, list) or len(listed) > MAXIMUM_KEYS:
            raise KeySetError(f"`keys` is not a list of at most {MAXIMUM_KEYS} keys")
        found = tuple(filter(None, map(_verifying_key, listed)))
        if not found:
            raise KeySetError("no key in it is for signatures: RSA of 2048 bits or more, P-256, P-384, P-521, Ed25519")
        return cls(found)

    def find(self, kid: str | None, algorithm: str) -> VerifyingKey | None:
        """The key that a token names; a token that names none is for a set of one."""
        for key in self.keys:
            if (key.kid == kid if kid is not None else len(self.keys) == 1) and algorithm in key.algorithms:
                return key
        return None


def _verifying_key(document: object) -> VerifyingKey | None:
    """The key as far as it can verify signatures; None for any other, which a set may hold (RFC 7517, 5)."""
    if not isinstance(document, dict) or not _is_for_signatures(document):
        return None
    kid, named = document.get("kid"), document.get("alg")
    # Without what is private: whoever exported too much shall not have it in this process.
    public = {name: document[name] for name in ("kty", "n", "e", "crv", "x", "y") if name in document}
    try:
        key = JWKRegistry.import_key(public)
        algorithms = _algorithms(key)
    except (JoseError, ValueError, TypeError):
        return None
    if named is not None:
        algorithms &= frozenset(algorithm for algorithm in ALGORITHMS if algorithm == named)
    if not algorithms or not isinstance(key, RSAKey | ECKey | OKPKey) or not isinstance(kid, str | None):
        return None
    return VerifyingKey(key=key, kid=kid, algorithms=algorithms)


def _is_for_signatures(document: dict[str, object]) -> bool:
    operations, modulus = document.get("key_ops", ["verify"]), document.get("n", "")
    if document.get("kty") == "RSA" and not (isinstance(modulus, str) and len(modulus) * 6 >= MINIMUM_RSA_BITS):
        return False  # Too short for joserfc as well, which would warn of it at each reading.
    return (
        document.get("kty") in ("RSA", "EC", "OKP")
        and document.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
    )


def _algorithms(key: object) -> frozenset[str]:
    match key:
        case RSAKey() if key.public_key.key_size >= MINIMUM_RSA_BITS:
            return _RSA
        case ECKey() if key.curve_name in _CURVES:
            return frozenset({_CURVES[key.curve_name]})
        case OKPKey() if key.curve_name == "Ed25519":
            return _EDWARDS
    return frozenset()
