"""Which Services and ConfigMaps the operator may write where tenants and others are, by the chart's admission policy.

RBAC lets the operator do all of it, so that a refusal is the admission policy's.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from keyward_api import names
from tests.integration.operator.conftest import Objects
from tests.integration.operator.control_plane import OPERATOR, ControlPlane, RunningOperator, eventually
from tests.integration.operator.resources import condition, database, role, user

AS_OPERATOR = f"--as={OPERATOR}"
REFUSAL = "keyward-client-objects"
OWNED = {
    names.LABEL_MANAGED_BY: names.MANAGED_BY,
    names.LABEL_OWNER_NAME: "orders",
    names.LABEL_OWNER_UID: "7d2e5b1c-0000-4000-8000-000000000000",
}
SERVICE, CONFIG_MAP = names.client_service_name("orders"), names.client_ca_name("orders")
APPLY = ["apply", "--server-side", "--force-conflicts", "-f", "-"]
CORE_DNS = ("configmap", "coredns", "kube-system")


@pytest.fixture(scope="module", autouse=True)
def enforced(installed: ControlPlane) -> None:
    """There is something to take over, and the admission policy is in force."""
    installed.kubectl(*APPLY, stdin=text("ConfigMap", "coredns", "kube-system", labels={}))

    def refused() -> bool:
        said = installed.kubectl("delete", *place(CORE_DNS), "--dry-run=server", AS_OPERATOR, check=False)
        return REFUSAL in said

    eventually(refused, what="the API server enforces the admission policy")


def place(of: tuple[str, str, str]) -> list[str]:
    kind, name, namespace = of
    return [kind, name, "-n", namespace]


def text(kind: str, name: str, namespace: str, *, labels: dict[str, str] | None = None) -> str:
    """An object that is labelled as the operator's own, unless told otherwise."""
    owned = {**OWNED, names.LABEL_OWNER_NAMESPACE: namespace} if labels is None else labels
    content: dict[str, Any] = {"data": {"a": "b"}}
    if kind == "Service":
        content = {"spec": {"type": "ExternalName", "externalName": "a.example"}}
    metadata = {"name": name, "namespace": namespace, "labels": owned}
    return json.dumps({"apiVersion": "v1", "kind": kind, "metadata": metadata, **content})


def labels_without(label: str, namespace: str) -> dict[str, str]:
    owned = {**OWNED, names.LABEL_OWNER_NAMESPACE: namespace}
    return {key: value for key, value in owned.items() if key != label}


@pytest.mark.parametrize("command", [["create", "-f", "-"], APPLY])
def test_what_clients_of_a_database_use_may_be_made_and_changed_and_deleted(
    command: list[str], namespace: str, installed: ControlPlane
) -> None:
    for kind, name in (("Service", SERVICE), ("ConfigMap", CONFIG_MAP)):
        installed.kubectl(*command, AS_OPERATOR, stdin=text(kind, name, namespace))
        installed.kubectl("annotate", kind, name, "-n", namespace, "a=b", AS_OPERATOR)
        installed.kubectl("delete", kind, name, "-n", namespace, AS_OPERATOR)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("ConfigMap", "aws-auth"),
        ("ConfigMap", SERVICE),
        ("ConfigMap", "keyward-operator"),
        ("ConfigMap", names.client_ca_name("others")),
        ("Service", "kube-dns"),
        ("Service", CONFIG_MAP),
        ("Service", names.client_service_name("others")),
    ],
)
@pytest.mark.parametrize("command", [["create", "-f", "-"], APPLY])
def test_nothing_of_another_name_is_made(
    command: list[str], kind: str, name: str, namespace: str, installed: ControlPlane
) -> None:
    said = installed.kubectl(*command, AS_OPERATOR, stdin=text(kind, name, namespace), check=False)
    assert f"may write '{SERVICE}{'-ca' if kind == 'ConfigMap' else ''}'" in said


@pytest.mark.parametrize("label", [names.LABEL_MANAGED_BY, names.LABEL_OWNER_NAMESPACE, names.LABEL_OWNER_NAME])
def test_nothing_is_made_without_the_owner_labels(label: str, namespace: str, installed: ControlPlane) -> None:
    without = text("ConfigMap", CONFIG_MAP, namespace, labels=labels_without(label, namespace))
    assert REFUSAL in installed.kubectl("create", "-f", "-", AS_OPERATOR, stdin=without, check=False)


def test_labels_of_another_namespace_make_nothing_the_operators(namespace: str, installed: ControlPlane) -> None:
    labels = {**OWNED, names.LABEL_OWNER_NAMESPACE: "elsewhere"}
    foreign = text("ConfigMap", CONFIG_MAP, namespace, labels=labels)
    assert REFUSAL in installed.kubectl("create", "-f", "-", AS_OPERATOR, stdin=foreign, check=False)


def test_what_somebody_else_made_is_neither_taken_over_nor_deleted(objects: Objects, installed: ControlPlane) -> None:
    before = objects.wait(*CORE_DNS)
    owned = text("ConfigMap", "coredns", "kube-system")
    patch = '{"data": {"a": "mine"}}'
    for command in (
        APPLY,
        ["patch", *place(CORE_DNS), "--type=merge", "-p", patch],
        ["label", *place(CORE_DNS), *(f"{key}={value}" for key, value in OWNED.items())],
        ["delete", *place(CORE_DNS)],
    ):
        assert REFUSAL in installed.kubectl(*command, AS_OPERATOR, stdin=owned, check=False), command
    assert objects.wait(*CORE_DNS) == before


def test_an_object_of_the_right_name_is_not_taken_over_either(namespace: str, installed: ControlPlane) -> None:
    installed.kubectl("create", "-f", "-", stdin=text("ConfigMap", CONFIG_MAP, namespace, labels={}))
    said = installed.kubectl(*APPLY, AS_OPERATOR, stdin=text("ConfigMap", CONFIG_MAP, namespace), check=False)
    assert REFUSAL in said


def test_an_object_of_the_operators_is_not_given_away(namespace: str, installed: ControlPlane) -> None:
    installed.kubectl("create", "-f", "-", AS_OPERATOR, stdin=text("ConfigMap", CONFIG_MAP, namespace))
    label = ["label", "configmap", CONFIG_MAP, "-n", namespace, "--overwrite"]
    for change in (f"{names.LABEL_MANAGED_BY}-", f"{names.LABEL_OWNER_NAME}=others"):
        assert REFUSAL in installed.kubectl(*label, change, AS_OPERATOR, check=False), change


def test_among_agents_and_for_all_others_names_are_free(namespace: str, installed: ControlPlane) -> None:
    for where, who in ((names.AGENTS_NAMESPACE, AS_OPERATOR), (namespace, "--as-group=system:masters")):
        as_admin = ["--as=somebody"] if who != AS_OPERATOR else []
        installed.kubectl("create", "-f", "-", who, *as_admin, stdin=text("ConfigMap", "any", where, labels={}))
        installed.kubectl("delete", "configmap", "any", "-n", where, who, *as_admin)


def test_the_operator_does_its_work_under_it(
    new_operator: Callable[..., RunningOperator], objects: Objects, namespace: str, installed: ControlPlane
) -> None:
    running = new_operator()
    running.start()
    running.wait_until_ready()
    objects.apply(role(namespace), user(namespace), database(namespace))
    served = lambda found: condition(found, "AgentAvailable")["reason"] == "Unavailable"  # noqa: E731
    objects.wait("keyspacesdatabase", "orders", namespace, until=served)
    for kind, name in (("service", SERVICE), ("configmap", CONFIG_MAP)):
        objects.wait(kind, name, namespace)
    installed.kubectl("delete", "keyspacesdatabase", "orders", "-n", namespace, "--timeout=30s")
    for kind, name in (("service", SERVICE), ("configmap", CONFIG_MAP)):
        assert objects.get(kind, name, namespace) is None
    assert "denied" not in running.log.read_text()
