"""Tokens of an issuer: what is believed, and everything that is not."""

from __future__ import annotations

import time
from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from keyward_api.identities import CallerIdentity
from keyward_proxy.auth.errors import AuthenticationError
from keyward_proxy.auth.issuer import Issuer, IssuerTokenReviewer
from keyward_proxy.auth.key_set import IssuerKeys, VerifyingKey
from keyward_proxy.auth.key_source import KeysUnavailable
from keyward_proxy.clock import SystemClock
from keyward_proxy.session.secret import Secret
from tests.unit.proxy.auth.issuers import ISSUER, Signer, signed_with_public_key, unsigned
from tests.unit.proxy.support import AUDIENCE

SIGNER = Signer()


class Keys:
    """Keys in memory."""

    def __init__(self, document: bytes) -> None:
        self.keys: IssuerKeys | None = IssuerKeys.parse(document)

    async def find(self, kid: str | None, algorithm: str) -> VerifyingKey | None:
        if self.keys is None:
            raise KeysUnavailable("down")
        return self.keys.find(kid, algorithm)


async def review(token: str, keys: bytes | None = None, **settings: str) -> CallerIdentity:
    reviewer = IssuerTokenReviewer(
        Issuer(url=ISSUER, **settings), keys=Keys(keys or SIGNER.jwks()), clock=SystemClock()
    )
    return await reviewer.review(Secret(token), audience=AUDIENCE)


async def refusal(token: str, keys: bytes | None = None, **settings: str) -> AuthenticationError:
    with pytest.raises(AuthenticationError) as refused:
        await review(token, keys, **settings)
    assert token.rpartition(".")[2] not in str(refused.value) or token.endswith(".")
    return refused.value


async def test_a_token_names_a_person_with_groups() -> None:
    identity = await review(SIGNER.token(groups=["dba", "on call"]))
    assert (identity.kind, identity.username, identity.groups) == ("User", "alice", {"dba", "on call"})
    assert (await review(SIGNER.token(groups="dba"))).groups == {"dba"}
    assert (await review(SIGNER.token(aud=["x", AUDIENCE]))).username == "alice"


async def test_other_claims_can_name_the_person() -> None:
    token = SIGNER.token(email="alice@example.com", email_verified=True, roles=["dba"])
    identity = await review(token, username_claim="email", groups_claim="roles")
    assert (identity.username, identity.groups) == ("alice@example.com", {"dba"})


async def test_a_token_of_a_cluster_stands_for_its_serviceaccount() -> None:
    bound = {"serviceaccount": {"name": "app", "uid": "u-1"}, "pod": {"name": "app-0"}}
    token = SIGNER.token(
        sub="system:serviceaccount:payments:app", groups=["dba"], email="root", **{"kubernetes.io": bound}
    )
    identity = await review(token, username_claim="email")
    assert (identity.kind, identity.namespace, identity.name) == ("ServiceAccount", "payments", "app")
    assert (identity.uid, identity.pod) == ("u-1", "app-0")
    assert identity.groups == {"system:serviceaccounts", "system:serviceaccounts:payments"}


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        *[(SIGNER.key, name) for name in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")],
        (ECKey.generate_key("P-256", auto_kid=True), "ES256"),
        (ECKey.generate_key("P-384", auto_kid=True), "ES384"),
        (ECKey.generate_key("P-521", auto_kid=True), "ES512"),
        (OKPKey.generate_key("Ed25519", auto_kid=True), "EdDSA"),
        (OKPKey.generate_key("Ed25519", auto_kid=True), "Ed25519"),
    ],
)
async def test_each_algorithm_that_only_the_issuer_can_sign_with_is_accepted(key: Any, algorithm: str) -> None:
    signer = Signer(key, algorithm=algorithm)
    assert (await review(signer.token(), signer.jwks())).username == "alice"
    head, _, tail = signer.token().rpartition(".")
    forged = f"{head}.{('B' if tail[0] == 'A' else 'A') + tail[1:]}"
    assert (await refusal(forged, signer.jwks())).reason == "TokenRejected"


async def test_algorithms_that_anybody_can_sign_with_are_refused() -> None:
    for name in ("none", "None", "NONE", "nOnE"):
        assert (await refusal(unsigned(SIGNER.token(), algorithm=name) + "x")).reason == "UnsupportedAlgorithm"
    public = SIGNER.key.as_pem(private=False)
    for secret in (public, public.strip(), SIGNER.jwks()):
        forged = signed_with_public_key(SIGNER.token(), secret, SIGNER.key.kid)
        assert (await refusal(forged)).reason == "UnsupportedAlgorithm"


async def test_a_key_that_the_token_brings_along_is_not_used() -> None:
    thief = Signer(RSAKey.generate_key(2048, {"kid": SIGNER.key.kid}))
    own = thief.key.as_dict(private=False)
    for header in ({"jwk": own}, {"jku": "https://evil.example.com"}, {"x5u": "https://evil.example.com"}):
        assert (await refusal(thief.token(header=header))).reason == "TokenRejected"
    assert (await refusal(Signer().token())).reason == "UnknownKey"
    assert (await refusal(Signer().token(header={"kid": None}))).reason == "TokenRejected"
    assert (await refusal(SIGNER.token(header={"kid": None}), SIGNER.jwks(P256))).reason == "UnknownKey"


P256 = ECKey.generate_key("P-256")


async def test_a_key_verifies_nothing_that_it_is_not_for() -> None:
    assert (await refusal(SIGNER.token(), SIGNER.jwks(alg="PS256"))).reason == "UnknownKey"
    assert (await refusal(SIGNER.token(), SIGNER.jwks(P256, use="enc"))).reason == "UnknownKey"


@pytest.mark.parametrize("header", [{"crit": ["exp"], "exp": 1}, {"b64": True}, {"crit": ["b64"], "b64": True}])
async def test_headers_that_change_the_meaning_are_refused(header: dict[str, Any]) -> None:
    assert (await refusal(SIGNER.token(header=header))).reason == "UnsupportedHeader"


async def test_headers_that_mean_nothing_here_are_ignored() -> None:
    header = {"typ": "at+jwt", "nonce": "x", "x5t": "y"}
    assert (await review(SIGNER.token(header=header))).username == "alice"


NOW = time.time()


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://issuer.example.com/"}, "WrongIssuer"),
        ({"iss": "https://evil.example.com"}, "WrongIssuer"),
        ({"iss": [ISSUER]}, "WrongIssuer"),
        ({"iss": None}, "WrongIssuer"),
        ({"aud": "keyward.dev/payments/invoices"}, "WrongAudience"),
        ({"aud": AUDIENCE + "x"}, "WrongAudience"),
        ({"aud": None}, "WrongAudience"),
        ({"aud": {AUDIENCE: 1}}, "WrongAudience"),
        ({"exp": None}, "TokenExpired"),
        ({"exp": int(NOW) - 1}, "TokenExpired"),
        ({"exp": True}, "TokenExpired"),
        ({"exp": "2999"}, "TokenExpired"),
        ({"exp": float("nan")}, "TokenExpired"),
        ({"nbf": int(NOW) + 86400}, "TokenNotYetValid"),
        ({"nbf": "0"}, "TokenNotYetValid"),
        ({"iat": int(NOW) + 86400}, "TokenNotYetValid"),
        ({"sub": None}, "UnknownIdentity"),
        ({"sub": 7}, "UnknownIdentity"),
        ({"sub": ""}, "UnknownIdentity"),
        ({"sub": "system:admin"}, "UnknownIdentity"),
        ({"sub": "system:serviceaccount:payments"}, "UnknownIdentity"),
        ({"sub": "system:serviceaccount:a:b:c"}, "UnknownIdentity"),
        ({"groups": ["dba", "system:masters"]}, "UnknownIdentity"),
        ({"groups": {"dba": 1}}, "UnknownIdentity"),
        ({"groups": ["dba", 5]}, "UnknownIdentity"),
        ({"groups": ["a\nb"]}, "UnknownIdentity"),
    ],
)
async def test_each_claim_must_be_as_it_should(claims: dict[str, Any], reason: str) -> None:
    assert (await refusal(SIGNER.token(**claims))).reason == reason


async def test_an_issuer_s_clock_may_be_a_little_ahead() -> None:
    ahead = int(time.time()) + 20
    assert (await review(SIGNER.token(iat=ahead, nbf=ahead))).username == "alice"


@pytest.mark.parametrize("verified", [None, False, "true", 1])
async def test_an_address_that_nobody_verified_names_nobody(verified: object) -> None:
    token = SIGNER.token(email="root@example.com", email_verified=verified)
    assert "not verified" in str(await refusal(token, username_claim="email"))


async def test_a_person_cannot_be_called_like_a_serviceaccount() -> None:
    token = SIGNER.token(nick="system:serviceaccount:payments:app")
    assert (await refusal(token, username_claim="nick")).reason == "UnknownIdentity"


async def test_without_keys_the_login_may_succeed_later() -> None:
    keys = Keys(SIGNER.jwks())
    keys.keys = None
    reviewer = IssuerTokenReviewer(Issuer(url=ISSUER), keys=keys, clock=SystemClock())
    with pytest.raises(AuthenticationError, match="could not be had; try again") as refused:
        await reviewer.review(Secret(SIGNER.token()), audience=AUDIENCE)
    assert refused.value.retryable


@pytest.mark.parametrize("token", ["", "a.b.c", "hunter2", "e30.e30.", "e30.e30.x"])
async def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(AuthenticationError):
        await review(token)


def test_callers_are_told_which_issuer_s_token_to_send() -> None:
    assert Issuer(url=ISSUER).wanted.what == f"a token of {ISSUER}"
