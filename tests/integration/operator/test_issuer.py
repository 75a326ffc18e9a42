"""A CA that the platform's issuer signs: the chart's rights, cert-manager's CRD and a real API server.

The first test needs a cluster without cert-manager, so the order of the tests matters.
"""

from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from keyward_api import names
from tests.integration.operator import installation, issuers
from tests.integration.operator.conftest import Objects
from tests.integration.operator.control_plane import ControlPlane, RunningOperator, eventually
from tests.integration.operator.issuers import CertManager
from tests.integration.operator.resources import condition, database, role, user

AGENTS = names.AGENTS_NAMESPACE
ISSUER = "corporate"
SETTINGS = installation.SETTINGS | {
    "certificateAuthorities": {"issuerRef": {"name": ISSUER}, "overlapSeconds": 2},
}
RESYNC = 1.0
NewOperator = Callable[..., RunningOperator]
Json = dict[str, Any]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("settings") / "settings.yaml"
    path.write_text(yaml.safe_dump(SETTINGS))
    return path


@pytest.fixture(scope="module", autouse=True)
def rights(installed: ControlPlane, programs: tuple[Path, Path], chart_objects: list[Json]) -> Iterator[None]:
    """Those that the chart gives where the platform names an issuer; for this module only."""
    with_issuer = installation.chart_objects(programs[1], certificateAuthorities={"issuerRef": {"name": ISSUER}})
    for objects in (with_issuer, chart_objects):
        roles = [each for each in objects if each["kind"] == "Role"]
        installed.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(roles))
        if objects is with_issuer:
            yield
    installed.kubectl("delete", "crd", "certificaterequests.cert-manager.io")


@pytest.fixture(scope="module")
def operator(new_operator: NewOperator) -> RunningOperator:
    running = new_operator(resync_seconds=RESYNC)
    running.start()
    running.wait_until_ready()
    return running


@pytest.fixture
def cert_manager(installed: ControlPlane, objects: Objects) -> CertManager:
    issuers.install(installed, "certificaterequests")
    return CertManager(installed, objects)


def dotted(namespace: str) -> str:
    return names.dotted_child_name(namespace=namespace, name="orders")


def authority_ready(found: Json) -> tuple[str, str]:
    told = condition(found, "CertificateAuthorityReady")
    return told["status"], told["reason"]


def wait_until(objects: Objects, namespace: str, status: str, reason: str) -> Json:
    return objects.wait(
        "keyspacesdatabase",
        "orders",
        namespace,
        until=lambda found: authority_ready(found) == (status, reason),
        what=f"CertificateAuthorityReady is {status}, {reason}",
    )


def bundle(objects: Objects, namespace: str) -> list[str]:
    found = objects.wait("configmap", "keyward-orders-ca", namespace)["data"]["ca.crt"]
    end = "-----END CERTIFICATE-----\n"
    return [f"{each}{end}" for each in found.split(end) if each]


def secret(objects: Objects, namespace: str) -> tuple[dict[str, bytes], dict[str, str]]:
    """Data and annotations of the CA's Secret."""
    found = objects.wait("secret", dotted(namespace), AGENTS)
    return {key: b64decode(value) for key, value in found["data"].items()}, found["metadata"].get("annotations", {})


def test_a_cluster_without_cert_manager_is_told_and_keeps_nothing_else_back(
    operator: RunningOperator, objects: Objects, namespace: str
) -> None:
    objects.apply(role(namespace), user(namespace), database(namespace))
    found = wait_until(objects, namespace, "False", "IssuerUnavailable")
    assert "install cert-manager" in condition(found, "CertificateAuthorityReady")["message"]
    objects.wait("keyspacespolicy", dotted(namespace), AGENTS)
    assert objects.get("secret", dotted(namespace), AGENTS) is None


def test_the_issuer_signs_what_agents_sign_with(
    operator: RunningOperator, objects: Objects, namespace: str, cert_manager: CertManager
) -> None:
    objects.apply(role(namespace), user(namespace), database(namespace))
    request = cert_manager.request(dotted(namespace), issuer=ISSUER)
    wait_until(objects, namespace, "Unknown", "IssuerPending")
    held, _ = secret(objects, namespace)
    assert (held["tls.crt"], held["tls.key"]) == (b"", b"")
    owner = request["metadata"]["ownerReferences"][0]
    assert owner["uid"] == objects.wait("secret", dotted(namespace), AGENTS)["metadata"]["uid"]
    cert_manager.sign(request)
    status = wait_until(objects, namespace, "True", "Issued")["status"]
    objects.wait_gone("certificaterequest", dotted(namespace), AGENTS)
    after, notes = secret(objects, namespace)
    assert after["tls.key"] == held["pending.key"]
    assert "pending.key" not in after
    assert notes[names.ANNOTATION_CA_ISSUER] == f"ClusterIssuer.cert-manager.io/{ISSUER}"
    assert bundle(objects, namespace) == [after["ca.crt"].decode()] == [status["caBundle"]]
    assert after["ca.crt"] != after["tls.crt"]
    objects.wait("deployment", names.child_name(namespace=namespace, name="orders"), AGENTS)
    operator.settle()
    assert operator.look_at_everything() == 0


def test_an_operator_that_ends_while_it_waits_goes_on_with_the_same_request(
    operator: RunningOperator, objects: Objects, namespace: str, cert_manager: CertManager
) -> None:
    objects.apply(database(namespace))
    request = cert_manager.request(dotted(namespace), issuer=ISSUER)
    operator.kill()
    cert_manager.sign(request)
    operator.start()
    operator.wait_until_ready()
    wait_until(objects, namespace, "True", "Issued")


def test_a_denial_is_told_and_a_request_that_is_deleted_is_made_again(
    operator: RunningOperator, objects: Objects, namespace: str, cert_manager: CertManager, installed: ControlPlane
) -> None:
    objects.apply(database(namespace))
    denied = cert_manager.request(dotted(namespace), issuer=ISSUER)
    cert_manager.deny(denied, "no CAs for keyward")
    found = wait_until(objects, namespace, "False", "IssuerRefused")
    assert "no CAs for keyward" in condition(found, "CertificateAuthorityReady")["message"]
    assert condition(found, "Ready")["reason"] == "IssuerRefused"
    again = cert_manager.request(dotted(namespace), issuer=ISSUER)
    assert again["metadata"]["uid"] == denied["metadata"]["uid"], "it is not asked again at once"
    installed.kubectl("delete", "certificaterequest", dotted(namespace), "-n", AGENTS)
    cert_manager.sign(cert_manager.request(dotted(namespace), issuer=ISSUER, but=denied["metadata"]["uid"]))
    wait_until(objects, namespace, "True", "Issued")


def test_a_webhook_of_cert_managers_that_is_away_keeps_no_policy_back(
    operator: RunningOperator, objects: Objects, namespace: str, cert_manager: CertManager, installed: ControlPlane
) -> None:
    objects.apply(WEBHOOK)
    try:
        objects.apply(role(namespace), user(namespace), database(namespace))
        found = objects.wait(
            "keyspacesdatabase",
            "orders",
            namespace,
            until=lambda found: "failed calling webhook" in condition(found, "Ready")["message"],
        )
        assert condition(found, "Ready")["reason"] == "Refused"
        objects.wait("keyspacespolicy", dotted(namespace), AGENTS)
    finally:
        installed.kubectl("delete", "validatingwebhookconfiguration", WEBHOOK["metadata"]["name"])
    cert_manager.sign(cert_manager.request(dotted(namespace), issuer=ISSUER))
    wait_until(objects, namespace, "True", "Issued")


def test_a_rotation_and_another_issuer_go_by_overlap(
    operator: RunningOperator, objects: Objects, namespace: str, cert_manager: CertManager, settings: Path
) -> None:
    objects.apply(database(namespace))
    first = cert_manager.request(dotted(namespace), issuer=ISSUER)
    cert_manager.sign(first)
    wait_until(objects, namespace, "True", "Issued")
    (old,) = bundle(objects, namespace)
    other = SETTINGS["certificateAuthorities"] | {"issuerRef": {"name": "other", "kind": "Issuer"}}
    settings.write_text(yaml.safe_dump(SETTINGS | {"certificateAuthorities": other}))
    try:
        asked = cert_manager.request(dotted(namespace), issuer="other", but=first["metadata"]["uid"])
        wait_until(objects, namespace, "True", "IssuerPending")
        assert bundle(objects, namespace) == [old]
        cert_manager.sign(asked)
        eventually(lambda: bundle(objects, namespace)[:1] != [old], what="the successor signs")
        new, previous = bundle(objects, namespace)
        data, notes = secret(objects, namespace)
        assert (data["ca.crt"].decode(), previous) == (new, old)
        assert notes[names.ANNOTATION_CA_ISSUER] == "Issuer.cert-manager.io/other"
    finally:
        settings.write_text(yaml.safe_dump(SETTINGS))


def test_a_database_that_goes_leaves_no_key(
    operator: RunningOperator, objects: Objects, namespace: str, cert_manager: CertManager, installed: ControlPlane
) -> None:
    objects.apply(database(namespace))
    cert_manager.request(dotted(namespace), issuer=ISSUER)
    installed.kubectl("delete", "keyspacesdatabase", "orders", "-n", namespace, "--timeout=30s")
    objects.wait_gone("secret", dotted(namespace), AGENTS)


WEBHOOK = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingWebhookConfiguration",
    "metadata": {"name": "cert-manager-webhook"},
    "webhooks": [
        {
            "name": "webhook.cert-manager.io",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "clientConfig": {"url": "https://127.0.0.1:1/validate"},
            "rules": [
                {
                    "apiGroups": ["cert-manager.io"],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE"],
                    "resources": ["certificaterequests"],
                }
            ],
        }
    ],
}
"""cert-manager's, while its pod is away: the API server answers 500."""
