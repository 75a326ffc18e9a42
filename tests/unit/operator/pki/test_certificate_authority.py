from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from keyward_operator.pki.certificate_authority import CertificateAuthority, end_of, is_valid, issue

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LIFETIME = timedelta(days=365)
AUTHORITY = issue(database="payments/orders", now=NOW, lifetime=LIFETIME)
CERTIFICATE = x509.load_pem_x509_certificate(AUTHORITY.certificate)


def test_it_is_a_p256_ca_that_may_sign_leaves_and_nothing_else() -> None:
    key = CERTIFICATE.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert isinstance(key.curve, ec.SECP256R1)
    constraints = CERTIFICATE.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (constraints.critical, constraints.value.ca, constraints.value.path_length) == (True, True, 0)
    usage = CERTIFICATE.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.key_cert_sign
    assert not usage.value.digital_signature


def test_it_carries_the_identifiers_that_strict_verifiers_ask_for() -> None:
    subject = CERTIFICATE.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    authority = CERTIFICATE.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert subject.digest == authority.key_identifier


def test_the_longest_name_of_a_database_fits_its_subject() -> None:
    issue(database=f"{'n' * 63}/{'d' * 40}", now=NOW, lifetime=LIFETIME)


@pytest.mark.parametrize(
    ("moment", "valid"),
    [(NOW, True), (NOW + LIFETIME - timedelta(seconds=1), True), (NOW + LIFETIME, False), (NOW - LIFETIME, False)],
)
def test_it_is_valid_in_its_time(moment: datetime, valid: bool) -> None:
    assert is_valid(AUTHORITY, now=moment) is valid


def test_a_foreign_key_a_leaf_or_garbage_is_no_valid_authority() -> None:
    other = issue(database="payments/other", now=NOW, lifetime=LIFETIME)
    mixed = CertificateAuthority(certificate=AUTHORITY.certificate, private_key=other.private_key)
    assert not is_valid(mixed, now=NOW)
    assert not is_valid(CertificateAuthority(certificate=b"", private_key=AUTHORITY.private_key), now=NOW)
    assert not is_valid(CertificateAuthority(certificate=AUTHORITY.certificate, private_key=b"x"), now=NOW)


def test_two_authorities_share_no_key_and_no_text_shows_one() -> None:
    assert issue(database="payments/orders", now=NOW, lifetime=LIFETIME).private_key != AUTHORITY.private_key
    assert "PRIVATE" not in repr(AUTHORITY)


def test_it_ends_when_its_lifetime_is_over() -> None:
    assert end_of(AUTHORITY) == NOW + LIFETIME
