"""The API server is verified as strictly as old clusters allow, and its absence has one name."""

from __future__ import annotations

import datetime
import socket
import ssl
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from kubernetes.aio.client import Configuration

from keyward_proxy import kubernetes_api
from keyward_proxy.kubernetes_api import KubernetesAPI, KubernetesUnavailable
from keyward_proxy.net.leaf import CertificateAuthority, issue


def old_authority() -> CertificateAuthority:
    """A CA as old clusters have them: no key identifier, no key usage."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kubernetes")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(subject_name=name, issuer_name=name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return CertificateAuthority(certificate=certificate, key=key)


async def request_through(ca: CertificateAuthority, server_ca: CertificateAuthority, path: Path) -> dict[str, object]:
    """What an API server whose certificate `server_ca` signed answers to a client that trusts `ca`."""
    path.write_bytes(ca.certificate.public_bytes(serialization.Encoding.PEM))  # noqa: ASYNC240

    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"path": request.path, "authorization": request.headers.get("Authorization")})

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    leaf = issue(server_ca, ["127.0.0.1"], datetime.datetime.now(datetime.UTC))
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=leaf.context).start()
    configuration = Configuration(host=f"https://127.0.0.1:{runner.addresses[0][1]}")
    configuration.ssl_ca_cert = str(path)
    api = KubernetesAPI(configuration)
    try:
        return await api.request("GET", "/version")
    finally:
        await api.close()
        await runner.cleanup()


async def test_the_ca_of_an_old_cluster_is_accepted_by_strict_pythons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python 3.13 sets the flag by default; here it is set on every version."""
    create = ssl.create_default_context

    def strict(*arguments: object, **options: object) -> ssl.SSLContext:
        context = create(*arguments, **options)  # type: ignore[arg-type]
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", strict)
    old = old_authority()
    assert (await request_through(old, old, tmp_path / "ca.crt"))["path"] == "/version"


async def test_another_ca_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KubernetesUnavailable, match=r"(?i)certificate verify failed"):
        await request_through(old_authority(), old_authority(), tmp_path / "ca.crt")


async def test_nobody_there_is_unavailable() -> None:
    api = KubernetesAPI(Configuration(host="http://127.0.0.1:1"))
    with pytest.raises(KubernetesUnavailable, match="GET /version") as caught:
        await api.request("GET", "/version")
    assert caught.value.status == 0
    await api.close()


async def test_an_api_server_that_is_silent_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubernetes_api, "REQUEST_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        api = KubernetesAPI(Configuration(host=f"http://127.0.0.1:{silent.getsockname()[1]}"))
        with pytest.raises(KubernetesUnavailable):
            await api.request("GET", "/version")
        await api.close()


def test_outside_a_pod_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(KubernetesUnavailable, match="automountServiceAccountToken"):
        KubernetesAPI.in_cluster()
