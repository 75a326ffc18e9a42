"""The agent's own certificate: who it names, how long it lives, what it refuses."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from keyward_proxy.net.errors import CertificateAuthorityUnusable
from keyward_proxy.net.leaf import CertificateAuthority, Leaf, issue
from tests.unit.handshakes import talk

NOW = datetime.datetime.now(datetime.UTC)


def served(leaf: Leaf, client: ssl.SSLContext, name: str = "agent.test") -> x509.Certificate:
    with talk(leaf, client, name) as sock:
        return x509.load_der_x509_certificate(sock.getpeercert(binary_form=True))


def test_a_strict_client_accepts_every_name(leaf: Leaf, trusting: ssl.SSLContext) -> None:
    trusting.verify_flags |= ssl.VERIFY_X509_STRICT
    for name in ("agent.test", "127.0.0.1"):
        served(leaf, trusting, name)
    with pytest.raises(ssl.SSLCertVerificationError):
        served(leaf, trusting, "other.test")


def test_the_leaf_is_for_servers_only_and_names_its_issuer(
    leaf: Leaf, trusting: ssl.SSLContext, authority: CertificateAuthority
) -> None:
    certificate = served(leaf, trusting)
    extensions = certificate.extensions
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.SERVER_AUTH]
    usage = extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature
    assert not usage.key_cert_sign
    issuer_key = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    issued_by = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert issued_by.key_identifier == issuer_key.digest
    assert extensions.get_extension_for_class(x509.SubjectKeyIdentifier)


def test_two_leaves_have_different_keys(authority: CertificateAuthority, trusting: ssl.SSLContext) -> None:
    first, second = (served(issue(authority, ["agent.test"], NOW), trusting) for _ in range(2))
    assert first.public_key() != second.public_key()
    assert first.serial_number != second.serial_number


def test_a_leaf_lives_a_day_and_is_renewed_in_the_middle(authority: CertificateAuthority) -> None:
    leaf = issue(authority, ["agent.test"], NOW)
    assert leaf.not_after - NOW == datetime.timedelta(hours=24)
    assert abs(leaf.renew_at() - (NOW + datetime.timedelta(hours=12))) < datetime.timedelta(minutes=5)


def test_a_leaf_never_outlives_its_ca(authority: CertificateAuthority) -> None:
    end = authority.certificate.not_valid_after_utc
    assert issue(authority, ["agent.test"], end - datetime.timedelta(hours=1)).not_after == end
    with pytest.raises(CertificateAuthorityUnusable, match="it must be renewed"):
        issue(authority, ["agent.test"], end)


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_versions_of_tls_are_refused(leaf: Leaf, trusting: ssl.SSLContext, version: str) -> None:
    assert leaf.context.minimum_version == ssl.TLSVersion.TLSv1_2
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname = False
    old.verify_mode = ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = ssl.TLSVersion[version]
    with pytest.raises(ssl.SSLError):
        talk(leaf, old, "agent.test")


def test_ciphers_without_forward_secrecy_are_refused(leaf: Leaf, trusting: ssl.SSLContext) -> None:
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    client.set_ciphers("AES128-GCM-SHA256:AES256-SHA")
    with pytest.raises(ssl.SSLError):
        talk(leaf, client, "agent.test")


def test_a_session_cannot_be_resumed(leaf: Leaf, trusting: ssl.SSLContext) -> None:
    assert leaf.context.num_tickets == 0
    assert leaf.context.options & ssl.OP_NO_TICKET


def test_the_ca_is_read_from_its_mounted_secret(authority_directory: Path) -> None:
    authority = CertificateAuthority.load(authority_directory)
    assert issue(authority, ["agent.test"], NOW).context


def test_a_missing_or_wrong_ca_is_refused_with_what_to_do(authority_directory: Path) -> None:
    key = authority_directory / "tls.key"
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key.write_bytes(other)
    with pytest.raises(CertificateAuthorityUnusable, match=r"tls.key is not the key of .*tls.crt"):
        CertificateAuthority.load(authority_directory)
    key.write_text("nothing")
    with pytest.raises(CertificateAuthorityUnusable, match="does not hold a PEM certificate"):
        CertificateAuthority.load(authority_directory)
    key.unlink()
    with pytest.raises(CertificateAuthorityUnusable, match=r"cannot read .*tls.key.*to hold the database"):
        CertificateAuthority.load(authority_directory)
