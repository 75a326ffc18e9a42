"""From a client's certificate to the person it names.

OpenSSL has verified chain, time and signature of the handshake before this is asked. Here the certificate is parsed
anew, by another library, for what OpenSSL leaves open: that its purpose is named and is that of a client, and that its
URIs name exactly one person (see `keyward_api.identity_uris`). The subject with its common name is never looked at.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from keyward_api.identities import UnknownIdentityError
from keyward_api.identity_uris import person_of
from keyward_proxy.session.certificate import CertificateProof, CertificateRefused


def read_certificate(der: bytes) -> CertificateProof | CertificateRefused:
    """What a certificate proves that TLS has verified; a refusal says what is wrong with it."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        # A name or an extension that cannot be parsed raises ValueError as well, and so does one that comes twice.
        extensions = certificate.extensions
        if not _is_for_clients(extensions):
            return CertificateRefused(
                message="the client certificate is not one: its extended key usage must name clientAuth"
            )
        identity = person_of(_uris(extensions))
    except UnknownIdentityError as error:
        return CertificateRefused(message=f"the client certificate is refused: {error}")
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        return CertificateRefused(message=f"the client certificate cannot be read: {error}")
    return CertificateProof(identity=identity, expires=certificate.not_valid_after_utc.timestamp())


def _is_for_clients(extensions: x509.Extensions) -> bool:
    try:
        usages = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return ExtendedKeyUsageOID.CLIENT_AUTH in usages


def _uris(extensions: x509.Extensions) -> list[str]:
    try:
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return names.get_values_for_type(x509.UniformResourceIdentifier)
