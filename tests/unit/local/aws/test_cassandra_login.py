"""The published vector that AWS's plug-ins for Python, Go and Node.js share."""

import hashlib
from dataclasses import replace

import pytest

from local.aws.cassandra_login import CassandraLogin
from local.aws.sigv4 import signing_key

SECRET = "UserSecretKey-1"
SIGNED_AT = 1591742511.0
LOGIN = CassandraLogin(
    access_key_id="UserID-1",
    nonce="91703fdc2ef562e19fbdab0f58e42fe5",
    amzdate="2020-06-09T22:41:51.000Z",
    region="us-west-2",
    signature="7f3691c18a81b8ce7457699effbfae5b09b4e0714ab38c1292dbdf082c9ddd87",
)


def test_the_canonical_request_is_the_published_one() -> None:
    digest = hashlib.sha256(LOGIN.canonical_request().encode()).hexdigest()
    assert digest == "bf5cc15759befc37fc35689dcdd7938a9ad042b6326f537c4c5eecaa2ebf911e"


def test_the_signing_key_is_the_published_one() -> None:
    key = signing_key(SECRET, date=LOGIN.date(), region=LOGIN.region, service="cassandra")
    assert key.hex() == "7fb139473f153aec1b05747b0cd5cd77a1186d22ae895a3a0128e699d72e1aba"


def test_the_published_signature_verifies() -> None:
    assert LOGIN.well_formed()
    assert LOGIN.signed_by(SECRET)
    assert not LOGIN.signed_by("UserSecretKey-2")


@pytest.mark.parametrize(
    "changed",
    [
        {"access_key_id": "UserID-2"},
        {"nonce": "91703fdc2ef562e19fbdab0f58e42fe6"},
        {"amzdate": "2020-06-09T22:41:52.000Z"},
        {"region": "us-east-1"},
        {"signature": "7f3691c18a81b8ce7457699effbfae5b09b4e0714ab38c1292dbdf082c9ddd88"},
        {"signature": "ü"},
    ],
)
def test_a_changed_login_does_not_verify(changed: dict[str, str]) -> None:
    assert not replace(LOGIN, **changed).signed_by(SECRET)


@pytest.mark.parametrize(
    "changed",
    [
        {"nonce": "too_short"},
        {"nonce": "91703FDC2EF562E19FBDAB0F58E42FE5"},
        {"amzdate": "20200609T224151Z"},
        {"amzdate": "2020-06-09T22:41:51.1000Z"},
        {"amzdate": "2020-06-39T22:41:51.000Z"},
        {"amzdate": ""},
    ],
)
def test_nonce_and_date_have_one_form(changed: dict[str, str]) -> None:
    assert not replace(LOGIN, **changed).well_formed()


@pytest.mark.parametrize(("now", "current"), [(-901, False), (-900, True), (0, True), (900, True), (901, False)])
def test_a_login_is_current_for_15_minutes(now: float, current: bool) -> None:
    assert LOGIN.current(SIGNED_AT + now) is current
