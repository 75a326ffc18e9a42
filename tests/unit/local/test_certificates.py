"""The certificates verify by name under strict rules, and are kept as long as they are good."""

import datetime
import ssl
import subprocess
import threading
from pathlib import Path

import pytest
from cryptography import x509

from local import certificates


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def made(state: Path) -> certificates.LocalCertificates:
    return certificates.ensure(state)


def verified(ca: Path, leaf: Path, *name: str) -> str:
    command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", str(ca), *name, str(leaf)]
    return subprocess.run(command, capture_output=True, text=True).stdout


@pytest.mark.parametrize("name", [name for name in certificates.AWS_NAMES if name != "127.0.0.1"])
def test_local_aws_has_its_names(made: certificates.LocalCertificates, name: str) -> None:
    assert verified(made.ca, made.aws_cert, "-verify_hostname", name).endswith(": OK\n")


@pytest.mark.parametrize("name", [name for name in certificates.KEYSPACES_NAMES if name != "127.0.0.1"])
def test_local_keyspaces_has_its_names(made: certificates.LocalCertificates, name: str) -> None:
    assert verified(made.ca, made.keyspaces_cert, "-verify_hostname", name).endswith(": OK\n")


def test_both_have_the_loopback_address(made: certificates.LocalCertificates) -> None:
    for leaf in (made.aws_cert, made.keyspaces_cert):
        assert verified(made.ca, leaf, "-verify_ip", "127.0.0.1").endswith(": OK\n")


def test_neither_has_the_name_of_the_other(made: certificates.LocalCertificates) -> None:
    assert "OK" not in verified(made.ca, made.aws_cert, "-verify_hostname", "keyspaces.keyward-local.svc")
    assert "OK" not in verified(made.ca, made.keyspaces_cert, "-verify_hostname", "aws.keyward-local.svc")


def test_a_strict_client_completes_the_handshake(made: certificates.LocalCertificates) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(made.aws_cert, made.aws_key)
    client = ssl.create_default_context(cafile=str(made.ca))
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = client.wrap_bio(to_client, to_server, server_hostname="sts.us-east-1.amazonaws.com")
    far = server.wrap_bio(to_server, to_client, server_side=True)
    for side in (near, far, near):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    assert near.version() == "TLSv1.3"


def test_keys_are_for_their_owner_alone(made: certificates.LocalCertificates, state: Path) -> None:
    for key in (made.aws_key, made.keyspaces_key, state / "ca-key.pem"):
        assert key.stat().st_mode & 0o777 == 0o600
    assert made.aws_key.read_text().startswith("-----BEGIN PRIVATE KEY-----")  # PKCS #8: what Java reads


def test_good_certificates_are_kept(made: certificates.LocalCertificates, state: Path) -> None:
    before = [made.ca.read_bytes(), made.aws_cert.read_bytes(), made.keyspaces_key.read_bytes()]
    assert certificates.ensure(state) == made
    assert [made.ca.read_bytes(), made.aws_cert.read_bytes(), made.keyspaces_key.read_bytes()] == before


def test_a_leaf_that_ends_soon_is_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "LIFE_OF_LEAF", datetime.timedelta(days=29))
    old = certificates.issue(tmp_path, "server", ("localhost",)).certificate.read_bytes()
    monkeypatch.undo()
    new = certificates.issue(tmp_path, "server", ("localhost",)).certificate.read_bytes()
    assert new != old
    ends = x509.load_pem_x509_certificate(new).not_valid_after_utc
    assert ends > datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=300)


def test_a_leaf_for_other_names_is_replaced(tmp_path: Path) -> None:
    old = certificates.issue(tmp_path, "server", ("localhost",)).certificate.read_bytes()
    assert certificates.issue(tmp_path, "server", ("localhost", "::1")).certificate.read_bytes() != old


def test_a_leaf_of_a_lost_authority_is_replaced(tmp_path: Path) -> None:
    leaf = certificates.issue(tmp_path, "server", ("localhost",))
    (tmp_path / "ca-key.pem").unlink()
    certificates.issue(tmp_path, "server", ("localhost",))
    assert verified(tmp_path / "ca.pem", leaf.certificate).endswith(": OK\n")


def test_those_who_ask_at_once_get_the_same(tmp_path: Path) -> None:
    seen: list[bytes] = []

    def ask() -> None:
        seen.append(certificates.ensure(tmp_path).aws_cert.read_bytes())

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 4
    assert len(set(seen)) == 1
