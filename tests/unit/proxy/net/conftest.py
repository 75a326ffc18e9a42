"""A CA of the tests' own, and TLS sockets on loopback."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyward_proxy.net.leaf import CertificateAuthority, Leaf, issue
from tests.unit.proxy.net.authorities import key_pem, make_authority, pem


@pytest.fixture(scope="session")
def authority() -> CertificateAuthority:
    return make_authority()


@pytest.fixture
def authority_directory(authority: CertificateAuthority, tmp_path: Path) -> Iterator[Path]:
    """The CA as its Secret is mounted."""
    (tmp_path / "tls.crt").write_text(pem(authority))
    (tmp_path / "tls.key").write_bytes(key_pem(authority))
    return tmp_path


@pytest.fixture(scope="session")
def leaf(authority: CertificateAuthority) -> Leaf:
    return issue(authority, ["agent.test", "127.0.0.1"], datetime.datetime.now(datetime.UTC))


@pytest.fixture(scope="session")
def trusting(authority: CertificateAuthority) -> ssl.SSLContext:
    """What a client has that trusts the CA."""
    return ssl.create_default_context(cadata=pem(authority))
