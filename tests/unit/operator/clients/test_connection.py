"""Connections to an API server whose CA is of an older EKS cluster: without key identifiers."""

import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from keyward_operator.clients.connection import NoConnectionError, load
from keyward_operator.clients.kubernetes_api import KubernetesApi

Key = ec.EllipticCurvePrivateKey


def certificate(name: str, key: Key, issuer: str, issuer_key: Key, *, ca: bool) -> x509.Certificate:
    """Without subject and authority key identifiers and without keyUsage."""

    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


@pytest.fixture
async def api_server(tmp_path: Path) -> AsyncIterator[TestServer]:
    """Echoes the Authorization header; its CA is written to ca.crt."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = certificate("old-ca", ca_key, "old-ca", ca_key, ca=True)
    leaf = certificate("server", key, "old-ca", ca_key, ca=False)
    pem = serialization.Encoding.PEM
    (tmp_path / "ca.crt").write_bytes(ca.public_bytes(pem))
    (tmp_path / "server.crt").write_bytes(leaf.public_bytes(pem))
    (tmp_path / "server.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")

    async def handle(request: web.Request) -> web.Response:
        return web.json_response({"authorization": request.headers.get("Authorization", "")})

    application = web.Application()
    application.router.add_get("/{path:.*}", handle)
    server = TestServer(application, scheme="https", host="127.0.0.1")
    await server.start_server(ssl=context)
    yield server
    await server.close()


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """TLS contexts as Python 3.13 and later make them."""
    make = ssl.create_default_context

    def make_strict(*arguments: object, **options: object) -> ssl.SSLContext:
        context = make(*arguments, **options)  # type: ignore[arg-type]
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", make_strict)


@pytest.fixture
def kubeconfig(api_server: TestServer, tmp_path: Path) -> Path:
    document = {
        "clusters": [
            {
                "name": "c",
                "cluster": {
                    "server": str(api_server.make_url("")).rstrip("/"),
                    "certificate-authority": str(tmp_path / "ca.crt"),
                },
            }
        ],
        "users": [{"name": "u", "user": {"token": "secret-token"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.mark.usefixtures("strict")
async def test_our_client_and_kopfs_session_reach_a_server_with_an_old_ca(kubeconfig: Path) -> None:
    connection = await load(kubeconfig)
    async with KubernetesApi(connection, field_manager="keyward-test") as api:
        assert await api.get_path("/version") == {"authorization": "Bearer secret-token"}
    async with connection.session() as session, session.get(f"{connection.server}/version") as response:
        assert await response.json() == {"authorization": "Bearer secret-token"}


@pytest.mark.usefixtures("strict")
async def test_the_server_is_verified_all_the_same(kubeconfig: Path) -> None:
    context = (await load(kubeconfig)).ssl_context
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT


async def test_in_a_pod_the_token_is_read_again_as_it_rotates(
    kubeconfig: Path, api_server: TestServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kubernetes.aio.config import incluster_config

    token = tmp_path / "token"
    token.write_text("first")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(tmp_path / "ca.crt"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(api_server.port))
    connection = await load(None)
    loader = connection.configuration.refresh_api_key_hook.__closure__[0].cell_contents
    async with connection.session() as session:
        async with session.get(f"{connection.server}/version") as response:
            assert (await response.json())["authorization"] == "bearer first"
        token.write_text("second")
        loader.token_expires_at = datetime.fromtimestamp(0)
        async with session.get(f"{connection.server}/version") as response:
            assert (await response.json())["authorization"] == "bearer second"


async def test_without_any_configuration_it_is_said_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(NoConnectionError, match="--kubeconfig"):
        await load(tmp_path / "missing")
