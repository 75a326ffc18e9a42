"""Where the API server takes no CA of a database: that is told, and keeps nothing else back."""

import json
from collections.abc import Callable, Iterator

import pytest

from keyward_api import names
from tests.integration.operator.conftest import Objects
from tests.integration.operator.control_plane import ControlPlane, RunningOperator, eventually
from tests.integration.operator.resources import condition, database, role, user

ADMISSION = "admissionregistration.k8s.io/v1"


@pytest.fixture
def no_secrets(installed: ControlPlane, namespace: str) -> Iterator[None]:
    """The platform admits no Secret for databases of this namespace."""
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["secrets"], "operations": ["CREATE"]}
    refusing = {
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": f"!object.metadata.name.startsWith('{namespace}.')", "message": "no Secrets"}],
    }
    binding = {"policyName": "no-secrets", "validationActions": ["Deny"]}
    for kind, spec in (("ValidatingAdmissionPolicy", refusing), ("ValidatingAdmissionPolicyBinding", binding)):
        document = {"apiVersion": ADMISSION, "kind": kind, "metadata": {"name": "no-secrets"}, "spec": spec}
        installed.kubectl("create", "-f", "-", stdin=json.dumps(document))
    probe = ("create", "secret", "generic", f"{namespace}.probe", "-n", names.AGENTS_NAMESPACE, "--dry-run=server")
    eventually(lambda: "no Secrets" in installed.kubectl(*probe, check=False), what="Secrets are refused")
    yield
    for kind in ("validatingadmissionpolicybinding", "validatingadmissionpolicy"):
        installed.kubectl("delete", kind, "no-secrets")


@pytest.mark.usefixtures("no_secrets")
def test_a_ca_that_is_refused_is_told_and_keeps_who_has_access_from_nobody(
    new_operator: Callable[..., RunningOperator], objects: Objects, namespace: str, installed: ControlPlane
) -> None:
    operator = new_operator()
    operator.start()
    objects.apply(role(namespace), user(namespace), database(namespace))
    refused = lambda found: condition(found, "Ready")["reason"] == "Refused"  # noqa: E731
    found = objects.wait("keyspacesdatabase", "orders", namespace, until=refused)
    assert f"Secret {names.AGENTS_NAMESPACE}/{namespace}.orders" in condition(found, "Ready")["message"]
    policy = ("keyspacespolicy", f"{namespace}.orders", names.AGENTS_NAMESPACE)
    objects.wait(*policy, until=lambda found: found["spec"]["grants"])
    installed.kubectl("delete", "keyspacesuser", "app", "-n", namespace)
    objects.wait(*policy, until=lambda found: not found["spec"].get("grants"))
