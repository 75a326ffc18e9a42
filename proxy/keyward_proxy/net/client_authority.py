"""The CA whose client certificates are accepted: that of the given file, and no other.

The system's store is never consulted. Whether a client may come without a certificate depends on whether a token can
speak for it instead. What OpenSSL verifies is chain, time and purpose; who the certificate names is read by
`keyward_proxy.auth.client_certificate`.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from keyward_proxy.net.errors import ClientAuthorityUnusable


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientAuthority:
    """The certificates of a client CA, as its file held them."""

    pem: str
    required: bool
    """Whether a client without a certificate is refused in the handshake."""

    @classmethod
    def load(cls, file: Path, *, required: bool) -> ClientAuthority:
        """Read the CA's certificates; raises ClientAuthorityUnusable."""
        try:
            pem = file.read_text(encoding="ascii")
            certificates = x509.load_pem_x509_certificates(pem.encode())
        except OSError as error:
            raise ClientAuthorityUnusable(f"cannot read the client CA {file}: {error.strerror}") from error
        except ValueError as error:
            raise ClientAuthorityUnusable(f"the client CA {file} holds no PEM certificate: {error}") from error
        for certificate in certificates:
            if not _is_authority(certificate):
                raise ClientAuthorityUnusable(
                    f"{file} holds '{certificate.subject.rfc4514_string()}', which is not a CA's certificate: give the "
                    "CA that signs the clients' certificates"
                )
        return cls(pem=pem, required=required)

    def has_key(self, key: CertificatePublicKeyTypes) -> bool:
        """Whether one of the certificates is of this public key."""
        return any(found.public_key() == key for found in x509.load_pem_x509_certificates(self.pem.encode()))

    def admit(self, context: ssl.SSLContext) -> None:
        """Make the context ask clients for a certificate of this CA."""
        context.load_verify_locations(cadata=self.pem)
        # An intermediate CA may be given without its root: what is in the file is trusted, nothing above it is.
        context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
        context.verify_mode = ssl.CERT_REQUIRED if self.required else ssl.CERT_OPTIONAL


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientAuthorityFile:
    """Where the client CA is, to be read again when it changes."""

    file: Path
    required: bool

    def load(self) -> ClientAuthority:
        """See `ClientAuthority.load`."""
        return ClientAuthority.load(self.file, required=self.required)


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False
