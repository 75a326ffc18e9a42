"""Tokens that prove an identity, and the many that do not."""

import base64
import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import KeySet

from local.aws.errors import AwsError
from local.aws.web_identity import IssuerKeys, WebIdentity, verify
from tests.unit.local.aws.conftest import AGENT_SUBJECT, ISSUER, PROVIDER, Account


def proven(account: Account, token: str) -> WebIdentity:
    return verify(token, store=account.store, keys=IssuerKeys({ISSUER: account.jwks}), now=account.clock())


def refusal(account: Account, token: str) -> AwsError:
    with pytest.raises(AwsError) as caught:
        proven(account, token)
    assert token not in caught.value.message
    return caught.value


@pytest.mark.parametrize(("key", "algorithm"), [("rsa", "RS256"), ("rsa", "RS512"), ("ec", "ES256")])
def test_a_token_of_the_cluster_names_its_service_account(federated: Account, key: str, algorithm: str) -> None:
    identity = proven(federated, federated.token(key=key, algorithm=algorithm))
    assert (identity.subject, identity.audience, identity.provider.arn) == (
        AGENT_SUBJECT,
        "sts.amazonaws.com",
        PROVIDER,
    )


def unsigned(token: str) -> str:
    header = base64.urlsafe_b64encode(b'{"alg":"none","kid":"rsa"}').rstrip(b"=").decode()
    return f"{header}.{token.split('.')[1]}."


def with_claims(token: str, **claims: Any) -> str:
    head, body, signature = token.split(".")
    changed = json.loads(base64.urlsafe_b64decode(body + "==")) | claims
    return f"{head}.{base64.urlsafe_b64encode(json.dumps(changed).encode()).rstrip(b'=').decode()}.{signature}"


Case = tuple[Callable[[Account], str], str, int, str]

CASES: dict[str, Case] = {
    "wrong key": (lambda a: a.token(key="stranger", kid="rsa"), "InvalidIdentityToken", 400, "could not be verified"),
    "unknown kid": (lambda a: a.token(kid="other"), "InvalidIdentityToken", 400, "could not be verified"),
    "no algorithm": (lambda a: unsigned(a.token()), "InvalidIdentityToken", 400, "could not be verified"),
    "changed claims": (
        lambda a: with_claims(a.token(), sub="system:serviceaccount:kube-system:admin"),
        "InvalidIdentityToken",
        400,
        "could not be verified",
    ),
    "no signature": (
        lambda a: a.token().rpartition(".")[0] + ".",
        "InvalidIdentityToken",
        400,
        "could not be verified",
    ),
    "garbage": (lambda a: "garbage", "InvalidIdentityToken", 400, "not a valid JWT"),
    "three parts of garbage": (lambda a: "a.b.c", "InvalidIdentityToken", 400, "not a valid JWT"),
    "not ASCII": (lambda a: "ü.ü.ü", "InvalidIdentityToken", 400, "not a valid JWT"),
    "no issuer": (lambda a: a.token(iss=None), "InvalidIdentityToken", 400, "not a valid JWT"),
    "unknown issuer": (
        lambda a: a.token(iss="https://elsewhere.example"),
        "InvalidIdentityToken",
        400,
        "No OpenIDConnect provider found in your account for https://elsewhere.example",
    ),
    "plain HTTP issuer": (lambda a: a.token(iss="http://x"), "InvalidIdentityToken", 400, "https"),
    "wrong audience": (
        lambda a: a.token(aud=["keyward.dev/payments/orders"]),
        "InvalidIdentityToken",
        400,
        "Incorrect token audience",
    ),
    "two audiences": (
        lambda a: a.token(aud=["sts.amazonaws.com", "other"]),
        "InvalidIdentityToken",
        400,
        "Incorrect token audience",
    ),
    "no audience": (lambda a: a.token(aud=None), "InvalidIdentityToken", 400, "Incorrect token audience"),
    "authorized party": (lambda a: a.token(azp="other"), "InvalidIdentityToken", 400, "Incorrect token audience"),
    "expired": (
        lambda a: a.token(exp=int(a.clock()) - 1),
        "ExpiredTokenException",
        400,
        "Token expired: current date/time",
    ),
    "no expiry": (lambda a: a.token(exp=None), "InvalidIdentityToken", 400, "required claim"),
    "no issue date": (lambda a: a.token(iat=None), "InvalidIdentityToken", 400, "required claim"),
    "expiry is text": (lambda a: a.token(exp="soon"), "InvalidIdentityToken", 400, ""),
    "issued later": (lambda a: a.token(iat=int(a.clock()) + 30), "IDPRejectedClaim", 403, "not valid yet"),
    "not before": (lambda a: a.token(nbf=int(a.clock()) + 30), "IDPRejectedClaim", 403, "not valid yet"),
    "no subject": (lambda a: a.token(sub=None), "IDPRejectedClaim", 403, "no subject"),
    "session tags": (
        lambda a: a.token(**{"https://aws.amazon.com/tags": {}}),
        "IDPRejectedClaim",
        403,
        "does not implement",
    ),
}


@pytest.mark.parametrize(("make", "code", "status", "message"), CASES.values(), ids=CASES)
def test_a_token_that_proves_nothing(
    federated: Account, make: Callable[[Account], str], code: str, status: int, message: str
) -> None:
    error = refusal(federated, make(federated))
    assert (error.code, error.status) == (code, status)
    assert message in error.message


def test_the_provider_must_be_registered_in_iam(account: Account) -> None:
    assert refusal(account, account.token()).message.startswith("No OpenIDConnect provider found in your account")


def test_a_jwks_that_appears_later_is_read(federated: Account) -> None:
    content = federated.jwks.read_text()
    federated.jwks.unlink()
    assert refusal(federated, federated.token()).code == "IDPCommunicationError"
    federated.jwks.write_text("{")
    assert refusal(federated, federated.token()).code == "IDPCommunicationError"
    federated.jwks.write_text(content)
    assert proven(federated, federated.token()).subject == AGENT_SUBJECT


def test_a_jwks_that_changes_is_read_again(federated: Account) -> None:
    keys = IssuerKeys({ISSUER: federated.jwks})
    assert len(keys.of(ISSUER).keys) == 2
    federated.jwks.write_text(json.dumps(KeySet([federated.keys["ec"]]).as_dict(private=False)))
    os.utime(federated.jwks, ns=(1, 1))
    assert len(keys.of(ISSUER).keys) == 1


def test_an_issuer_without_keys_cannot_be_verified(federated: Account) -> None:
    federated.iam.create_open_id_connect_provider(Url="https://other.example", ClientIDList=["x"])
    assert refusal(federated, federated.token(iss="https://other.example")).code == "IDPCommunicationError"
