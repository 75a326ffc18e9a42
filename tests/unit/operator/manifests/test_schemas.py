"""Every manifest against Kubernetes' own schemas, strictly: a misspelt field would be dropped without a word."""

from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest

from keyward_operator.children import Child
from keyward_operator.kinds import reference_to
from keyward_operator.plan import desired
from keyward_operator.plan.view import View
from tests.unit.operator.builders import AWS_ROOTS, REFERENCES, ROLE_ARN, serving, settings, view_for

PLATFORM = settings(
    agents={
        "image": "keyward/agent:1",
        "caBundle": AWS_ROOTS,
        "env": [{"name": "A", "value": "b"}],
        "imagePullSecrets": [{"name": "registry"}],
    },
    tenants=[{"serviceTypes": ["LoadBalancer"], "serviceAnnotations": ["example.com/*"]}],
)
AGENT = {
    "identity": {"roleARN": ROLE_ARN},
    "service": {"type": "LoadBalancer", "annotations": {"example.com/scheme": "internal"}, "hostnames": ["db.example"]},
    "autoscaling": {"maxReplicas": 5},
}
VIEW = view_for(serving(PLATFORM, agent=AGENT), PLATFORM)


@pytest.mark.parametrize("child", sorted(set(Child) - {Child.POLICY}))
def test_a_manifest_is_valid(child: Child) -> None:
    manifest = desired.manifests(VIEW)[child]
    kubernetes_validate.validate(manifest, "1.35", strict=True)


def test_a_manifest_is_made_for_every_child_and_is_found_under_its_name() -> None:
    manifests = desired.manifests(VIEW)
    assert {child: reference_to(manifest) for child, manifest in manifests.items()} == REFERENCES
    owner = serving().owner
    for manifest in manifests.values():
        assert owner.labels.items() <= manifest["metadata"]["labels"].items()


def empty_values(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, nested in value.items():
            yield from empty_values(nested, f"{path}.{key}")
            # A selector that is there and empty selects everything: that says something.
            if nested in ({}, [], None) and not key.endswith("Selector"):
                yield f"{path}.{key}"
    if isinstance(value, list):
        for nested in value:
            yield from empty_values(nested, f"{path}[]")


@pytest.mark.parametrize("view", [VIEW, view_for(serving())], ids=["everything", "least"])
def test_nothing_that_the_api_server_would_drop_is_applied_for_it_would_be_applied_for_ever(view: View) -> None:
    for child, manifest in desired.manifests(view).items():
        if child is not Child.POLICY:  # of our own kinds it drops nothing
            assert list(empty_values(manifest)) == [], child


def test_agents_may_touch_their_own_policy_and_nothing_else() -> None:
    manifests = desired.manifests(VIEW)
    for rule in manifests[Child.ROLE]["rules"]:
        assert rule["resourceNames"] == [REFERENCES[Child.POLICY].name]
        assert "*" not in [*rule["verbs"], *rule["resources"], *rule["apiGroups"]]
    verbs = {(rule["resources"][0], verb) for rule in manifests[Child.ROLE]["rules"] for verb in rule["verbs"]}
    assert verbs == {
        *(("keyspacespolicies", verb) for verb in ("get", "list", "watch")),
        ("keyspacespolicies/status", "patch"),
    }
