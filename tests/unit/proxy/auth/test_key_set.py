"""Which keys of a set verify signatures, and which algorithms each serves."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from keyward_proxy.auth.key_set import IssuerKeys, KeySetError
from tests.unit.proxy.auth.issuers import Signer


def public(key: Any, **facts: Any) -> dict[str, Any]:
    return {**key.as_dict(private=False), **facts}


def parse(*keys: Any) -> IssuerKeys:
    return IssuerKeys.parse(json.dumps({"keys": keys}).encode())


RSA = RSAKey.generate_key(2048)
P256 = ECKey.generate_key("P-256")
SHORT = base64.urlsafe_b64encode((2**2039 + 1).to_bytes(255)).rstrip(b"=").decode()
"""A modulus of 2,040 bits."""


@pytest.mark.parametrize(
    ("key", "algorithms"),
    [
        (RSA, {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
        (P256, {"ES256"}),
        (ECKey.generate_key("P-384"), {"ES384"}),
        (ECKey.generate_key("P-521"), {"ES512"}),
        (OKPKey.generate_key("Ed25519"), {"EdDSA", "Ed25519"}),
    ],
)
def test_a_key_serves_the_algorithms_of_its_type(key: Any, algorithms: set[str]) -> None:
    assert parse(public(key, kid="k")).keys[0].algorithms == algorithms


def test_a_key_that_names_an_algorithm_serves_that_one() -> None:
    assert parse(public(RSA, alg="PS256")).keys[0].algorithms == {"PS256"}


@pytest.mark.parametrize(
    "key",
    [
        OctKey.generate_key(256).as_dict(private=True),
        {"kty": "RSA", "e": "AQAB", "n": SHORT},
        OKPKey.generate_key("X25519").as_dict(private=False),
        ECKey.generate_key("secp256k1").as_dict(private=False),
        public(RSA, use="enc"),
        public(RSA, key_ops=["encrypt"]),
        public(RSA, key_ops=5),
        public(RSA, alg="HS256"),
        public(RSA, alg="none"),
        public(RSA, alg=["RS256"]),
        public(RSA, kid=7),
        public(RSA, n="AQAB"),
        public(RSA, n=None),
        {"kty": "RSA"},
        {"kty": "post-quantum"},
        {},
        "key",
        None,
    ],
)
def test_what_cannot_verify_is_left_out(key: Any) -> None:
    with pytest.raises(KeySetError, match="no key in it is for signatures"):
        parse(key)
    assert len(parse(key, public(P256)).keys) == 1


@pytest.mark.parametrize("document", [b"", b"[]", b"{}", b'{"keys": 5}', b"nonsense", b"[" * 100_000])
def test_what_is_no_key_set_is_refused(document: bytes) -> None:
    with pytest.raises(KeySetError):
        IssuerKeys.parse(document)


def test_a_set_is_bounded() -> None:
    with pytest.raises(KeySetError, match="longer than"):
        IssuerKeys.parse(b" " * 2_000_000)
    with pytest.raises(KeySetError, match="at most 256 keys"):
        parse(*[{}] * 257)


def test_a_private_key_in_the_set_is_not_kept() -> None:
    keys = IssuerKeys.parse(json.dumps({"keys": [RSA.as_dict(private=True)]}).encode())
    assert not keys.keys[0].key.is_private


def test_a_token_without_key_id_is_for_a_set_of_one() -> None:
    one = IssuerKeys.parse(Signer().jwks())
    assert one.find(None, "RS256") is one.keys[0]
    assert one.find("other", "RS256") is None
    assert one.find(one.keys[0].kid, "ES256") is None
    two = parse(public(RSA, kid="a"), public(P256, kid="b"))
    assert two.find(None, "RS256") is None
    assert two.find("b", "ES256") is two.keys[1]
