"""The client CA: what is accepted in a handshake, and what is a CA at all."""

from __future__ import annotations

import contextlib
import datetime
import ssl
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from keyward_proxy.net.client_authority import ClientAuthority
from keyward_proxy.net.errors import ClientAuthorityUnusable
from keyward_proxy.net.leaf import CertificateAuthority, issue
from tests.unit.proxy.net.authorities import make_authority, pem
from tests.unit.proxy.net.callers import Caller, issue_caller

CLIENTS = make_authority(name="clients")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "clients.pem").write_text(pem(CLIENTS))
    return tmp_path / "clients.pem"


def meet(
    authority: CertificateAuthority, clients: ClientAuthority, caller: Caller | None, directory: Path, **options: object
) -> bytes | None:
    """The certificate that a server has seen after a handshake in memory; raises what either side finds wrong."""
    server = issue(authority, ["agent.test"], datetime.datetime.now(datetime.UTC), clients).context
    client = ssl.create_default_context(cadata=pem(authority))
    for name, value in options.items():
        setattr(client, name, value)
    if caller:
        client.load_cert_chain(*caller.write(directory))
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname="agent.test"),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(6):
        for end in ends:
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
    return ends[1].getpeercert(binary_form=True)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("required", [True, False])
def test_a_certificate_of_the_ca_is_accepted(
    authority: CertificateAuthority, file: Path, tmp_path: Path, required: bool, version: ssl.TLSVersion
) -> None:
    clients = ClientAuthority.load(file, required=required)
    caller = issue_caller(CLIENTS)
    assert meet(authority, clients, caller, tmp_path, maximum_version=version)


def test_a_client_may_come_without_one_where_a_token_can_speak_for_it(
    authority: CertificateAuthority, file: Path, tmp_path: Path
) -> None:
    assert meet(authority, ClientAuthority.load(file, required=False), None, tmp_path) is None
    with pytest.raises(ssl.SSLError, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
        meet(authority, ClientAuthority.load(file, required=True), None, tmp_path)


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize(
    ("caller", "says"),
    [
        (issue_caller(make_authority(name="others")), "unable to get local issuer"),
        (issue_caller(make_authority(name="clients")), "certificate signature failure|unable to get local issuer"),
        (issue_caller(CLIENTS, starts=-200_000, ends=-100_000), "certificate has expired"),
        (issue_caller(CLIENTS, starts=100_000, ends=200_000), "certificate is not yet valid"),
        (issue_caller(CLIENTS, usages=(ExtendedKeyUsageOID.SERVER_AUTH,)), "unsuitable certificate purpose"),
    ],
    ids=["another CA", "another CA of the same name", "expired", "not yet valid", "for servers"],
)
def test_every_other_certificate_is_refused(
    authority: CertificateAuthority, file: Path, tmp_path: Path, caller: Caller, says: str, required: bool
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match=says):
        meet(authority, ClientAuthority.load(file, required=required), caller, tmp_path)


def test_the_system_s_authorities_do_not_count(
    authority: CertificateAuthority, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = make_authority(name="system")
    (tmp_path / "system.pem").write_text(pem(system))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "system.pem"))
    with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"):
        meet(authority, ClientAuthority.load(file, required=True), issue_caller(system), tmp_path)


def test_what_is_no_ca_is_told(tmp_path: Path) -> None:
    file = tmp_path / "clients.pem"
    with pytest.raises(ClientAuthorityUnusable, match=r"cannot read the client CA .*: No such file"):
        ClientAuthority.load(file, required=True)
    file.write_text("nonsense")
    with pytest.raises(ClientAuthorityUnusable, match="holds no PEM certificate"):
        ClientAuthority.load(file, required=True)
    certificate, _ = issue_caller(CLIENTS, common_name="alice").write(tmp_path)
    file.write_text(pem(CLIENTS) + certificate.read_text())
    with pytest.raises(ClientAuthorityUnusable, match="'CN=alice', which is not a CA's certificate"):
        ClientAuthority.load(file, required=True)
