"""An issuer of tokens, with every kind of key."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from tests.unit.proxy.support import AUDIENCE

ISSUER = "https://issuer.example.com"
Key = RSAKey | ECKey | OKPKey


class Permissive(JWSRegistry):
    """Signs with whatever it is told."""

    def get_alg(self, name: str) -> Any:
        return self.algorithms[name]

    def check_header(self, header: Any) -> None:
        pass


class Signer:
    """Signs tokens of ISSUER."""

    def __init__(self, key: Key | None = None, *, algorithm: str = "RS256") -> None:
        self.key = key or RSAKey.generate_key(2048, auto_kid=True)
        self.algorithm = algorithm

    def jwks(self, *others: Key, **facts: Any) -> bytes:
        """The public part; `facts` are added to the signer's own key."""
        keys = KeySet([self.key, *others]).as_dict(private=False)
        keys["keys"][0].update(facts)
        return json.dumps(keys).encode()

    def token(self, *, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """For the person `alice`; a claim that is None is left out."""
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": now, "exp": now + 600, **changes}
        claims = {name: value for name, value in claims.items() if value is not None}
        head = {"alg": self.algorithm, "kid": self.key.kid, **(header or {})}
        return jwt.encode(
            {name: value for name, value in head.items() if value is not None},
            claims,
            self.key,
            registry=Permissive(strict_check_header=False),
        )


def unsigned(token: str, *, algorithm: str = "none") -> str:
    """The same claims, signed by nobody."""
    return ".".join((_part(json.dumps({"alg": algorithm}).encode()), token.split(".")[1], ""))


def signed_with_public_key(token: str, public: bytes, kid: str | None) -> str:
    """HS256 with the public key as shared secret: what a careless verifier takes for RS256's key."""
    head = _part(json.dumps({"alg": "HS256", "kid": kid}).encode())
    body = f"{head}.{token.split('.')[1]}"
    return f"{body}.{_part(hmac.digest(public, body.encode(), hashlib.sha256))}"


def _part(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
