"""What clients make of a database's CA: an agent serves by it, and their OpenSSL judges."""

import ssl
from datetime import UTC, datetime
from pathlib import Path

from keyward_operator.pki.certificate_authority import CertificateAuthority
from keyward_proxy.net.leaf import CertificateAuthority as AgentsAuthority
from keyward_proxy.net.leaf import issue
from tests.unit.handshakes import talk


def handshake(authority: CertificateAuthority, trusted: bytes, folder: Path) -> None:
    """A strict client that trusts `trusted` alone, and an agent that mounted the CA."""
    (folder / "tls.crt").write_bytes(authority.presented)
    (folder / "tls.key").write_bytes(authority.private_key)
    leaf = issue(AgentsAuthority.load(folder), ["agent.test"], datetime.now(UTC))
    client = ssl.create_default_context(cadata=trusted.decode())
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    # Python's own default since 3.13; older clients, and OpenSSL's other users, want an anchor that signed itself.
    client.verify_flags &= ~ssl.VERIFY_X509_PARTIAL_CHAIN
    talk(leaf, client, "agent.test").close()
