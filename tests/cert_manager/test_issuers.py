"""Issuers of cert-manager's type CA: what they sign, agents present and clients verify."""

from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives import serialization

from keyward_api import names
from keyward_operator.manifests.ca_secret import read_authorities
from keyward_operator.pki.rotation import Authorities
from tests.integration.operator import installation
from tests.integration.operator.conftest import Objects
from tests.integration.operator.control_plane import RunningOperator, eventually
from tests.integration.operator.resources import condition, database
from tests.unit.operator.handshakes import handshake
from tests.unit.operator.signers import Signer, pem

pytestmark = pytest.mark.timeout(1800)  # the first run on a machine compiles cert-manager

AGENTS = names.AGENTS_NAMESPACE
Json = dict[str, Any]


@pytest.fixture(scope="module")
def operator(new_operator: Callable[..., RunningOperator]) -> RunningOperator:
    running = new_operator(resync_seconds=1.0)
    running.start()
    running.wait_until_ready()
    return running


class Platform:
    """Names an issuer in the settings, and makes it."""

    def __init__(self, operator: RunningOperator, settings: Path, objects: Objects) -> None:
        self._operator = operator
        self._settings = settings
        self._objects = objects

    def names_issuer(self, name: str, *, kind: str = "ClusterIssuer") -> None:
        issuer = {"certificateAuthorities": {"issuerRef": {"name": name, "kind": kind}, "overlapSeconds": 2}}
        before = self._read()
        self._settings.write_text(yaml.safe_dump(installation.SETTINGS | issuer))
        eventually(lambda: self._read() > before, what="the operator reads the settings")

    def _read(self) -> float:
        return self._operator.metric("keyward_operator_settings_read_timestamp_seconds")

    def makes_issuer(self, name: str, signer: Signer, *, kind: str = "ClusterIssuer") -> None:
        """One of type CA, with the signer's chain and key in a Secret, and wait until cert-manager has judged it."""
        where = "cert-manager" if kind == "ClusterIssuer" else AGENTS
        key = signer.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        data = {"tls.crt": b64encode(signer.chain).decode(), "tls.key": b64encode(key).decode()}
        metadata = {"name": name} | ({"namespace": where} if kind == "Issuer" else {})
        self._objects.apply(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "type": "kubernetes.io/tls",
                "metadata": {"name": f"{name}-issuer", "namespace": where},
                "data": data,
            },
            {
                "apiVersion": "cert-manager.io/v1",
                "kind": kind,
                "metadata": metadata,
                "spec": {"ca": {"secretName": f"{name}-issuer"}},
            },
        )
        self._objects.wait(kind, name, where, until=lambda found: condition(found, "Ready")["status"] == "True")


@pytest.fixture
def platform(operator: RunningOperator, settings: Path, objects: Objects) -> Platform:
    return Platform(operator, settings, objects)


def authorities(objects: Objects, namespace: str) -> Authorities:
    secret = objects.wait("secret", names.dotted_child_name(namespace=namespace, name="orders"), AGENTS)
    found = read_authorities(secret)
    assert found is not None
    return found


def wait_until(objects: Objects, namespace: str, status: str, reason: str, says: str = "") -> Json:
    def met(found: Json) -> bool:
        told = condition(found, "CertificateAuthorityReady")
        return (told["status"], told["reason"]) == (status, reason) and says in told["message"]

    return objects.wait(
        *("keyspacesdatabase", "orders", namespace), until=met, what=f"CertificateAuthorityReady is {reason}: {says}"
    )


@pytest.mark.parametrize("depth", [0, 1], ids=["a root", "a CA below a root"])
def test_agents_are_verified_by_the_databases_ca_and_by_the_issuers_root(
    platform: Platform,
    root: Signer,
    objects: Objects,
    namespace: str,
    tmp_path: Path,
    depth: int,
) -> None:
    name = f"corporate-{depth}"
    platform.makes_issuer(name, Signer("below", now=datetime.now(UTC), below=root) if depth else root)
    platform.names_issuer(name)
    objects.apply(database(namespace))
    wait_until(objects, namespace, "True", "Issued")
    current = authorities(objects, namespace).current
    assert current.issuer == f"ClusterIssuer.cert-manager.io/{name}"
    told = objects.wait("configmap", "keyward-orders-ca", namespace)["data"]["ca.crt"]
    handshake(current, told.encode(), tmp_path)
    handshake(current, pem(root.certificate), tmp_path)


def test_an_issuer_among_the_agents_takes_over_by_overlap(
    platform: Platform, root: Signer, objects: Objects, namespace: str, tmp_path: Path
) -> None:
    platform.makes_issuer("first", root)
    platform.names_issuer("first")
    objects.apply(database(namespace))
    wait_until(objects, namespace, "True", "Issued")
    old = authorities(objects, namespace).current
    other = Signer("other", now=datetime.now(UTC))
    platform.makes_issuer("second", other, kind="Issuer")
    platform.names_issuer("second", kind="Issuer")
    objects.wait(
        *("secret", names.dotted_child_name(namespace=namespace, name="orders"), AGENTS),
        until=lambda found: b64decode(found["data"].get("previous.crt", "")) == old.certificate,
        what="the successor signs",
    )
    new = authorities(objects, namespace).current
    assert new.issuer == "Issuer.cert-manager.io/second"
    told = objects.wait("configmap", "keyward-orders-ca", namespace)["data"]["ca.crt"].encode()
    for each in (old, new):
        handshake(each, told, tmp_path)
    handshake(new, pem(other.certificate), tmp_path)


def test_an_issuer_that_does_not_exist_is_waited_for(
    platform: Platform, root: Signer, objects: Objects, namespace: str
) -> None:
    platform.names_issuer("late")
    objects.apply(database(namespace))
    wait_until(objects, namespace, "Unknown", "IssuerPending", '"late" not found')
    platform.makes_issuer("late", root)
    wait_until(objects, namespace, "True", "Issued")


def test_what_a_root_without_room_signed_is_refused(platform: Platform, objects: Objects, namespace: str) -> None:
    platform.makes_issuer("narrow", Signer("narrow", now=datetime.now(UTC), path_length=0))
    platform.names_issuer("narrow")
    objects.apply(database(namespace))
    wait_until(objects, namespace, "False", "IssuerRefused", "permits 0 CAs below it")
