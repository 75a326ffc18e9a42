"""Servers that are not Keyspaces: each is refused in clear words, and none is sent a byte, let alone a signature."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from keyward_api.decision import PolicyView
from keyward_api.resources.policy import KeyspacesPolicySpec
from keyward_proxy.aws.credentials import AssumeRoleRequest, Credentials
from keyward_proxy.clock import SystemClock
from keyward_proxy.net.leaf import CertificateAuthority
from keyward_proxy.net.opening import OpeningFailed, UpstreamOpener
from keyward_proxy.net.server_context import server_context
from keyward_proxy.net.upstream import TLSConnector
from keyward_proxy.session.secret import Secret
from tests.unit.proxy.net.authorities import make_authority, pem
from tests.unit.proxy.net.relays import APP
from tests.unit.proxy.support import policy_document, until

NAME = "cassandra.test"


def chain(
    authority: CertificateAuthority | None,
    *,
    names: tuple[str, ...] = (NAME,),
    starts: float = -1,
    ends: float = 24,
    usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
) -> bytes:
    """A server's certificate with its key, by this CA or by itself; times are hours from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(
            subject_name=subject, issuer_name=authority.certificate.subject if authority else subject
        )
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(hours=starts))
        .not_valid_after(now + datetime.timedelta(hours=ends))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .sign(authority.key if authority else key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@dataclass
class Impostor:
    """A server that takes whatever it is sent; without a context it does not even speak TLS."""

    context: ssl.SSLContext | None
    received: bytearray = field(default_factory=bytearray)
    """Application data; in the clear, everything."""

    port: int = 0

    def serve(self, listener: socket.socket) -> None:
        self.port = listener.getsockname()[1]
        try:
            while True:
                sock, _ = listener.accept()
                sock.settimeout(5)
                try:
                    if self.context:
                        sock = self.context.wrap_socket(sock, server_side=True)
                    else:
                        sock.sendall(b"\x84\0\0\0\x06\0\0\0\2\0\0")
                    while data := sock.recv(4096):
                        self.received += data
                except OSError:
                    pass
                finally:
                    sock.close()
        except OSError:
            return


Serve = Callable[[ssl.SSLContext | None], Impostor]


@pytest.fixture
def serve() -> Iterator[Serve]:
    opened: list[tuple[socket.socket, threading.Thread]] = []

    def serve(context: ssl.SSLContext | None) -> Impostor:
        made = Impostor(context)
        listener = socket.create_server(("127.0.0.1", 0))
        made.port = listener.getsockname()[1]
        thread = threading.Thread(target=made.serve, args=(listener,), daemon=True)
        opened.append((listener, thread))
        thread.start()
        return made

    yield serve
    for listener, thread in opened:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


class Source:
    """Credentials for everybody."""

    async def get(self, request: AssumeRoleRequest) -> Credentials:
        return Credentials(
            access_key_id="ASIA", secret_access_key=Secret("never-seen"), session_token=None, expires=2e9
        )


async def refusal(authority: CertificateAuthority, port: int) -> str:
    """What the caller is told."""
    document = policy_document()
    document["database"]["endpoint"] = {
        "address": "127.0.0.1", "port": port, "serverName": NAME, "caBundle": pem(authority),
    }  # fmt: skip
    view = PolicyView.of(KeyspacesPolicySpec.model_validate(document))
    opener = UpstreamOpener(credentials=Source(), connector=TLSConnector(), clock=SystemClock())
    with pytest.raises(OpeningFailed) as failure:
        await opener.open(view.grant_for(APP, ""), APP, view.database)
    assert failure.value.reason == "UpstreamUnreachable"
    return str(failure.value)


IMPOSTORS: dict[str, tuple[Callable[[CertificateAuthority], bytes], str]] = {
    "whose common name alone fits": (
        lambda authority: chain(authority, names=("elsewhere.test",)),
        "certificate is not valid for 'cassandra.test'",
    ),
    "of another CA": (lambda _: chain(make_authority(name="other")), "unable to get local issuer certificate"),
    "of another CA with the same name": (lambda _: chain(make_authority()), "certificate signature failure"),
    "that signed itself": (lambda _: chain(None), "self-signed certificate"),
    "that has ended": (lambda authority: chain(authority, starts=-48, ends=-24), "certificate has expired"),
    "that has not begun": (lambda authority: chain(authority, starts=24, ends=48), "certificate is not yet valid"),
    "with a client's certificate": (
        lambda authority: chain(authority, usage=ExtendedKeyUsageOID.CLIENT_AUTH),
        "unsuitable certificate purpose",
    ),
}


@pytest.mark.parametrize("which", IMPOSTORS)
async def test_a_server_that_does_not_prove_its_name_gets_nothing(
    serve: Serve, authority: CertificateAuthority, which: str
) -> None:
    make, why = IMPOSTORS[which]
    impostor = serve(server_context(make(authority)))
    message = await refusal(authority, impostor.port)
    assert f"did not prove to be {NAME}" in message
    assert why in message
    assert not impostor.received


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
async def test_a_server_of_an_old_version_gets_nothing(
    serve: Serve, authority: CertificateAuthority, version: str
) -> None:
    context = server_context(chain(authority))
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion[version]
    impostor = serve(context)
    assert "cannot connect to 127.0.0.1" in await refusal(authority, impostor.port)
    assert not impostor.received


@pytest.mark.parametrize("cipher", ["AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "aNULL", "eNULL"])
async def test_a_server_of_weak_ciphers_gets_nothing(
    serve: Serve, authority: CertificateAuthority, cipher: str
) -> None:
    context = server_context(chain(authority))
    context.set_ciphers(f"{cipher}:@SECLEVEL=0")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    impostor = serve(context)
    assert "cannot connect to 127.0.0.1" in await refusal(authority, impostor.port)
    assert not impostor.received


async def test_a_server_in_the_clear_gets_a_hello_only(serve: Serve, authority: CertificateAuthority) -> None:
    impostor = serve(None)
    assert "wrong version number" in await refusal(authority, impostor.port)
    await until(lambda: bool(impostor.received))
    assert impostor.received[:1] == b"\x16"
    assert b"SigV4" not in impostor.received
