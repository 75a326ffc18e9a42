"""What an issuer's answer must be, and what clients make of it: their OpenSSL judges, over what the agents present."""

import ssl
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from keyward_operator.pki.certificate_authority import CertificateAuthority, end_of, is_valid, key_pem, new_key
from keyward_operator.pki.issued import (
    LEAST_LIFE,
    NotYetValidError,
    UnusableAnswerError,
    accept,
    is_request_for,
    signing_request,
)
from tests.unit.operator.handshakes import handshake
from tests.unit.operator.signers import Answer, Signer, named, pem

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
YEAR = 365 * DAY
KEY = key_pem(new_key())
REQUEST = signing_request(KEY, database="payments/orders")
ROOT = Signer(now=NOW)
BELOW = Signer("intermediate", now=NOW, below=ROOT)


def taken(answer: Answer, *, key: bytes = KEY, now: datetime = NOW) -> CertificateAuthority:
    return accept(key, certificate=answer.certificate, root=answer.ca, issuer="i", now=now, lifetime=YEAR)


@pytest.mark.parametrize("signer", [ROOT, BELOW], ids=["a root", "a CA below a root"])
def test_clients_verify_by_the_databases_ca_or_by_the_issuers_root(signer: Signer, tmp_path: Path) -> None:
    authority = taken(signer.answer(REQUEST, now=NOW))
    assert is_valid(authority, now=NOW)
    handshake(authority, authority.certificate, tmp_path)
    handshake(authority, signer.root, tmp_path)


def test_what_else_the_issuer_signed_is_not_what_clients_trust(tmp_path: Path) -> None:
    other = key_pem(new_key())
    orders = taken(ROOT.answer(REQUEST, now=NOW))
    others = taken(ROOT.answer(signing_request(other, database="payments/other"), now=NOW), key=other)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(others, orders.certificate, tmp_path)


def test_an_issuer_that_does_not_tell_its_root_is_none_the_worse(tmp_path: Path) -> None:
    answer = BELOW.answer(REQUEST, now=NOW)
    authority = taken(Answer(certificate=answer.certificate, ca=b""))
    handshake(authority, authority.certificate, tmp_path)
    known = Answer(certificate=answer.certificate, ca=pem(BELOW.certificate))
    assert taken(known) == authority, "cert-manager gives what is highest of what it knows"


def test_a_chain_for_another_key_is_no_valid_authority() -> None:
    other = key_pem(new_key())
    stranger = taken(ROOT.answer(signing_request(other, database="payments/other"), now=NOW), key=other)
    assert not is_valid(replace(taken(ROOT.answer(REQUEST, now=NOW)), chain=stranger.chain), now=NOW)


def test_the_same_answer_is_the_same_ca() -> None:
    answer = ROOT.answer(REQUEST, now=NOW)
    assert taken(answer) == taken(answer, now=NOW + DAY)


def test_it_ends_with_the_first_of_its_chain() -> None:
    short = Signer("short", now=NOW, below=ROOT, life=90 * DAY)
    assert end_of(taken(short.answer(REQUEST, now=NOW))) == NOW + 90 * DAY
    assert end_of(taken(ROOT.answer(REQUEST, now=NOW, life=30 * DAY))) == NOW + 30 * DAY


def test_the_issuers_choice_of_a_name_is_followed(tmp_path: Path) -> None:
    authority = taken(ROOT.answer(REQUEST, now=NOW, subject=named("chosen")))
    assert x509.load_pem_x509_certificate(authority.certificate).subject == named("chosen")
    handshake(authority, ROOT.root, tmp_path)
    handshake(authority, authority.certificate, tmp_path)


def foreign_chain() -> Answer:
    ours, theirs = ROOT.answer(REQUEST, now=NOW), Signer(now=NOW).answer(REQUEST, now=NOW)
    return Answer(certificate=ours.certificate, ca=theirs.ca)


def broken_chain() -> Answer:
    stranger = Signer("intermediate", now=NOW, below=ROOT)
    answer = ROOT.answer(REQUEST, now=NOW)
    return Answer(certificate=answer.certificate + pem(stranger.certificate), ca=answer.ca)


def of_another_key() -> Answer:
    return ROOT.answer(signing_request(key_pem(new_key()), database="payments/orders"), now=NOW)


def by_a_root_without_room() -> Answer:
    return Signer(now=NOW, path_length=0).answer(REQUEST, now=NOW)


def by_one_that_signs_itself() -> Answer:
    signer = Signer("orders", now=NOW)
    return Answer(certificate=pem(signer.certificate), ca=pem(signer.certificate))


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        pytest.param(of_another_key, "for another key", id="another key"),
        pytest.param(lambda: ROOT.answer(REQUEST, now=NOW, ca=False), "is not a CA's certificate", id="no CA"),
        pytest.param(foreign_chain, "does not lead to its `status.ca`", id="foreign root"),
        pytest.param(broken_chain, "is not signed by the next", id="broken chain"),
        pytest.param(by_a_root_without_room, "permits 0 CAs below it", id="path length"),
        pytest.param(by_one_that_signs_itself, "it signed nothing", id="signs itself"),
        pytest.param(lambda: ROOT.answer(REQUEST, now=NOW - 2 * YEAR), "its chain ended at", id="ended"),
        pytest.param(lambda: ROOT.answer(REQUEST, now=NOW, life=LEAST_LIFE / 2), "lives 3 days", id="too short"),
        pytest.param(lambda: ROOT.answer(REQUEST, now=NOW, subject=x509.Name([])), "has no subject", id="no subject"),
        pytest.param(
            lambda: ROOT.answer(REQUEST, now=NOW, purpose=ExtendedKeyUsageOID.CLIENT_AUTH),
            "other purposes than servers",
            id="not for servers",
        ),
        pytest.param(lambda: Answer(certificate=b"x", ca=b""), "`status.certificate` is no PEM", id="garbage"),
        pytest.param(
            lambda: Answer(certificate=ROOT.answer(REQUEST, now=NOW).certificate, ca=b"x"),
            "`status.ca` is no PEM",
            id="garbage above",
        ),
    ],
)
def test_an_answer_that_clients_could_not_use_is_refused_with_why(answer: Callable[[], Answer], says: str) -> None:
    with pytest.raises(UnusableAnswerError, match=says):
        taken(answer())


def test_an_issuer_whose_clock_is_ahead_is_waited_for() -> None:
    with pytest.raises(NotYetValidError):
        taken(ROOT.answer(REQUEST, now=NOW + timedelta(seconds=2)))


def test_a_request_is_known_by_its_key() -> None:
    assert is_request_for(REQUEST, KEY)
    assert not is_request_for(REQUEST, key_pem(new_key()))
    assert not is_request_for(b"x", KEY)
    assert not is_request_for(REQUEST, b"")
    assert b"PRIVATE" not in REQUEST
