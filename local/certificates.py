"""The private certificate authority of this machine's AWS, and the server certificates that it issued.

    python -m local.certificates --state DIR

Files in DIR: `ca.pem`, `ca-key.pem`, and `<name>.pem` (the leaf alone) with `<name>-key.pem` (PKCS #8) per server;
keys are readable by their owner only. Whatever is there and good for another 30 days is kept. All certificates carry
what strict verifiers ask for (RFC 5280; Python 3.13 checks it): key usage, subject and authority key identifiers.
"""

import argparse
import datetime
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from local import caches

REGION = "us-east-1"
AWS_NAMES = (
    *("aws.keyward-local.svc", "aws.keyward-local.svc.cluster.local"),
    *(f"sts.{REGION}.amazonaws.com", "localhost", "127.0.0.1"),
)
KEYSPACES_NAMES = (
    *("keyspaces.keyward-local.svc", "keyspaces.keyward-local.svc.cluster.local"),
    *(f"cassandra.{REGION}.amazonaws.com", "localhost", "127.0.0.1"),
)
LIFE_OF_AUTHORITY = datetime.timedelta(days=3650)
LIFE_OF_LEAF = datetime.timedelta(days=365)
RENEWED_BEFORE = datetime.timedelta(days=30)
CLOCK_SKEW = datetime.timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True, slots=True)
class Leaf:
    """A server's certificate and key, as files."""

    certificate: Path
    key: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalCertificates:
    """The files that local AWS and local Keyspaces, and those who call them, need."""

    ca: Path
    aws_cert: Path
    aws_key: Path
    keyspaces_cert: Path
    keyspaces_key: Path


def ensure(state: Path) -> LocalCertificates:
    """Make what is missing, or ends soon, in the folder `state`."""
    aws, keyspaces = issue(state, "aws", AWS_NAMES), issue(state, "keyspaces", KEYSPACES_NAMES)
    return LocalCertificates(
        ca=state / "ca.pem",
        aws_cert=aws.certificate,
        aws_key=aws.key,
        keyspaces_cert=keyspaces.certificate,
        keyspaces_key=keyspaces.key,
    )


def issue(state: Path, name: str, names: tuple[str, ...]) -> Leaf:
    """A server certificate for these DNS names and IP addresses, kept in `state` as `<name>.pem`."""
    leaf = Leaf(certificate=state / f"{name}.pem", key=state / f"{name}-key.pem")
    with caches.locked(state / ".certificates.lock"):
        authority, authority_key = _authority(state)
        if not _good(leaf, authority, names):
            key = ec.generate_private_key(ec.SECP256R1())
            _write(leaf.key, _pem(key), mode=0o600)
            certificate = _leaf(names, key, authority, authority_key)
            _write(leaf.certificate, certificate.public_bytes(serialization.Encoding.PEM), mode=0o644)
    return leaf


def _authority(state: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    certificate_file, key_file = state / "ca.pem", state / "ca-key.pem"
    if certificate_file.exists() and key_file.exists():
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
        if isinstance(key, ec.EllipticCurvePrivateKey) and not _ends_soon(certificate):
            return certificate, key
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Keyward local authority")])
    certificate = (
        _builder(name, name, key.public_key(), key.public_key(), LIFE_OF_AUTHORITY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    _write(key_file, _pem(key), mode=0o600)
    _write(certificate_file, certificate.public_bytes(serialization.Encoding.PEM), mode=0o644)
    return certificate, key


def _leaf(
    names: tuple[str, ...],
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    return (
        _builder(subject, authority.subject, key.public_key(), authority_key.public_key(), LIFE_OF_LEAF)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer_key: ec.EllipticCurvePublicKey,
    life: datetime.timedelta,
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(identifier, critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _good(leaf: Leaf, authority: x509.Certificate, names: tuple[str, ...]) -> bool:
    """Whether the files hold a certificate of this authority for exactly these names that does not end soon."""
    if not (leaf.certificate.exists() and leaf.key.exists()):
        return False
    certificate = x509.load_pem_x509_certificate(leaf.certificate.read_bytes())
    alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, InvalidSignature):
        return False
    return list(alternatives) == [_general_name(name) for name in names] and not _ends_soon(certificate)


def _ends_soon(certificate: x509.Certificate) -> bool:
    return certificate.not_valid_after_utc < datetime.datetime.now(datetime.UTC) + RENEWED_BEFORE


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(file: Path, content: bytes, *, mode: int) -> None:
    """Replace a file in one move; it never exists with wider permissions than `mode`."""
    new = file.with_name(f".{file.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as output:
        output.write(content)
    new.replace(file)


def main() -> None:
    """The command `python -m local.certificates`."""
    parser = argparse.ArgumentParser(prog="python -m local.certificates", description=ensure.__doc__)
    parser.add_argument("--state", type=Path, required=True, metavar="DIR", help="the folder of the files")
    print(ensure(parser.parse_args().state).ca)


if __name__ == "__main__":
    main()
