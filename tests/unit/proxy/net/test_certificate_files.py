"""A server certificate in files: read at start, followed, and never given up for a broken one."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from keyward_proxy.metrics import Metrics
from keyward_proxy.net.certificate_files import CertificateFiles
from keyward_proxy.net.client_authority import ClientAuthorityFile
from keyward_proxy.net.errors import ClientAuthorityUnusable, ServerCertificateUnusable
from keyward_proxy.net.leaf import CertificateAuthority
from tests.unit.proxy.net.authorities import pem
from tests.unit.proxy.net.callers import issue_caller
from tests.unit.proxy.support import TurnedClock


@pytest.fixture
def files(authority: CertificateAuthority, tmp_path: Path) -> tuple[Path, Path]:
    return issue_caller(authority, ends=3600).write(tmp_path, "server")


@pytest.fixture
def clients(authority: CertificateAuthority, tmp_path: Path) -> ClientAuthorityFile:
    (tmp_path / "clients.pem").write_text(pem(authority))
    return ClientAuthorityFile(file=tmp_path / "clients.pem", required=True)


@pytest.fixture
def keeper(files: tuple[Path, Path], clients: ClientAuthorityFile, clock: TurnedClock) -> CertificateFiles:
    return CertificateFiles(certificate=files[0], key=files[1], clients=clients, clock=clock, metrics=Metrics())


def test_the_certificate_serves_until_it_ends(keeper: CertificateFiles, clock: TurnedClock) -> None:
    assert not keeper.valid
    with pytest.raises(ServerCertificateUnusable, match="no server certificate was read yet"):
        _ = keeper.context
    keeper.renew()
    assert keeper.valid
    keeper.answer_for("10.0.0.7")
    clock.turn(4000)
    assert not keeper.valid


def test_changed_files_are_served_from_then_on(
    keeper: CertificateFiles, authority: CertificateAuthority, clients: ClientAuthorityFile, tmp_path: Path
) -> None:
    keeper.renew()
    first = keeper.context
    keeper.renew_if_changed()
    assert keeper.context is first
    issue_caller(authority, common_name="second").write(tmp_path, "server")
    keeper.renew_if_changed()
    second = keeper.context
    assert second is not first
    clients.file.write_text(pem(authority) + "\n")
    keeper.renew_if_changed()
    assert keeper.context is not second


def test_what_cannot_serve_leaves_the_present_certificate(
    keeper: CertificateFiles,
    authority: CertificateAuthority,
    clients: ClientAuthorityFile,
    files: tuple[Path, Path],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    keeper.renew()
    first = keeper.context
    other, key = issue_caller(authority).write(tmp_path, "other")
    with caplog.at_level(logging.ERROR, logger="keyward_proxy"):
        files[0].write_bytes(other.read_bytes())
        keeper.renew_if_changed()
        assert keeper.context is first
        assert "they must be a PEM chain" in caplog.records[-1].error
        files[1].write_bytes(key.read_bytes())
        clients.file.write_text("nonsense")
        keeper.renew_if_changed()
        assert keeper.context is first
    clients.file.write_text(pem(authority))
    keeper.renew_if_changed()
    assert keeper.context is not first


def test_what_is_wrong_at_the_start_is_told(
    keeper: CertificateFiles,
    files: tuple[Path, Path],
    clients: ClientAuthorityFile,
    authority: CertificateAuthority,
    tmp_path: Path,
) -> None:
    certificate, key = files
    key.chmod(0o604)
    with pytest.raises(ServerCertificateUnusable, match="open to every user of this machine: chmod o-rwx"):
        keeper.renew()
    key.chmod(0o640)
    clients.file.unlink()
    with pytest.raises(ClientAuthorityUnusable, match="cannot read the client CA"):
        keeper.renew()
    issue_caller(authority, starts=-10, ends=-1).write(tmp_path, "server")
    with pytest.raises(ServerCertificateUnusable, match="ended at"):
        keeper.renew()
    certificate.write_text("nonsense")
    with pytest.raises(ServerCertificateUnusable, match="holds no PEM certificate"):
        keeper.renew()
    certificate.unlink()
    with pytest.raises(ServerCertificateUnusable, match=r"cannot read .*server\.pem: No such file"):
        keeper.renew()


def test_an_encrypted_key_is_refused_without_asking_the_terminal(
    keeper: CertificateFiles, files: tuple[Path, Path]
) -> None:
    key = serialization.load_pem_private_key(files[1].read_bytes(), password=None)
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    with pytest.raises(ServerCertificateUnusable, match="unencrypted PEM key"):
        keeper.renew()
