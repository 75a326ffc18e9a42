"""What goes wrong on sockets and in TLS, in words for the log and for the caller."""

from __future__ import annotations


class NetworkError(Exception):
    """A connection or a certificate could not be had; the message says which, why and what to do."""


class CertificateAuthorityUnusable(NetworkError):
    """The mounted CA cannot sign a leaf."""


class ServerCertificateUnusable(NetworkError):
    """The given server certificate and key cannot serve."""


class ClientAuthorityUnusable(NetworkError):
    """The given client CA cannot verify anybody."""


class UpstreamUnreachable(NetworkError):
    """The Keyspaces endpoint could not be reached, or did not prove who it is."""
