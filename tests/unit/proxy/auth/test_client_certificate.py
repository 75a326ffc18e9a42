"""Certificates that TLS has verified, and who they name."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from keyward_proxy.auth.client_certificate import read_certificate
from keyward_proxy.session.certificate import CertificateProof, CertificateRefused
from tests.unit.proxy.net.authorities import make_authority
from tests.unit.proxy.net.callers import CLIENT, issue_caller

AUTHORITY = make_authority()


def read(**facts: object) -> CertificateProof | CertificateRefused:
    certificate = issue_caller(AUTHORITY, **facts).certificate  # type: ignore[arg-type]
    return read_certificate(certificate.public_bytes(serialization.Encoding.DER))


def refusal(**facts: object) -> str:
    found = read(**facts)
    assert isinstance(found, CertificateRefused)
    return found.message


def test_a_certificate_names_a_person_with_groups_until_it_ends() -> None:
    caller = issue_caller(AUTHORITY, uris=("keyward://user/alice", "keyward://group/dba", "spiffe://x/y"))
    found = read_certificate(caller.certificate.public_bytes(serialization.Encoding.DER))
    assert isinstance(found, CertificateProof)
    assert (found.identity.kind, found.identity.name, found.identity.groups) == ("User", "alice", {"dba"})
    assert found.expires == caller.certificate.not_valid_after_utc.timestamp()


def test_the_common_name_is_nobody_s_name() -> None:
    assert "names nobody" in refusal(uris=(), common_name="alice")
    assert "names nobody" in refusal(uris=(), common_name="keyward://user/alice", dns=("alice",))
    found = read(uris=("keyward://user/bob",), common_name="alice")
    assert isinstance(found, CertificateProof)
    assert found.identity.name == "bob"


def test_one_person_only() -> None:
    assert "names 2 people" in refusal(uris=("keyward://user/alice", "keyward://user/bob"))
    assert "no form that is known" in refusal(uris=("keyward://user/alice", "keyward://role/admin"))
    assert "not the name of a person" in refusal(uris=("keyward://user/system%3Aadmin",))


def test_the_purpose_must_be_that_of_a_client() -> None:
    for usages in ((), (ExtendedKeyUsageOID.SERVER_AUTH,), (ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,)):
        assert "must name clientAuth" in refusal(usages=usages)
    assert isinstance(read(usages=(ExtendedKeyUsageOID.SERVER_AUTH, CLIENT)), CertificateProof)


def test_a_certificate_without_alternative_names_is_refused() -> None:
    assert "names nobody" in refusal(uris=None)


def test_what_cannot_be_parsed_is_refused() -> None:
    found = read_certificate(b"nonsense")
    assert isinstance(found, CertificateRefused)
    assert "cannot be read" in found.message
    odd = x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, b"\x30\x03\x86\x05x")
    assert "cannot be read" in refusal(uris=None, extra=odd)
