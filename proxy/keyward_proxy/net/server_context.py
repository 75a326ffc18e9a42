"""The TLS of the listener: what every server context has, whoever signed its certificate.

TLS 1.2 stays, with client certificates too: drivers on older runtimes speak nothing newer. In TLS 1.2 a client's
certificate crosses the wire in the clear; it is no secret, but names the person.
"""

from __future__ import annotations

import os
import ssl

from keyward_proxy.net.client_authority import ClientAuthority

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2: forward secrecy and authenticated encryption only. TLS 1.3 has nothing else."""


def server_context(chain: bytes, clients: ClientAuthority | None = None) -> ssl.SSLContext:
    """A context that serves this chain: PEM, the certificate, its intermediates, and the unencrypted key.

    Raises ssl.SSLError where these do not belong together. OpenSSL's interface takes file names, so that the chain is
    handed over in a memfd that is closed at once.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    # Resumption would let a session skip what a full handshake checks; renegotiation has no use here.
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.num_tickets = 0
    descriptor = os.memfd_create("leaf", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, chain)
        # Without a password OpenSSL would ask for one on the terminal.
        context.load_cert_chain(f"/proc/self/fd/{descriptor}", password=b"")
    finally:
        os.close(descriptor)
    if clients:
        clients.admit(context)
    return context
