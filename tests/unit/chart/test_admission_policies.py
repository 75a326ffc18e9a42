"""The shape of the admission policies; tests/integration/operator/test_admission.py has what they do."""

import pytest

from keyward_api.resources.policy import KeyspacesPolicyStatus

from .conftest import Render, values
from .objects import Manifest, all_of, one

pytestmark = pytest.mark.timeout(1800)  # the first run on a machine may have to compile helm


@pytest.fixture(scope="module")
def manifests(render: Render) -> list[Manifest]:
    return render()


def test_each_is_bound_everywhere_and_denies_on_doubt(manifests: list[Manifest]) -> None:
    policies = {p["metadata"]["name"]: p["spec"] for p in all_of(manifests, "ValidatingAdmissionPolicy")}
    bindings = [b["spec"] for b in all_of(manifests, "ValidatingAdmissionPolicyBinding")]
    assert len(policies) == 4
    assert all(policy["failurePolicy"] == "Fail" for policy in policies.values())
    assert {binding["policyName"] for binding in bindings} == policies.keys()
    assert all(binding.keys() == {"policyName", "validationActions"} for binding in bindings)
    assert all(binding["validationActions"] == ["Deny"] for binding in bindings)


def test_no_status_subresource_is_left_out(manifests: list[Manifest]) -> None:
    def rules(name: str, which: str) -> list[str]:
        constraints = one(manifests, "ValidatingAdmissionPolicy", name)["spec"]["matchConstraints"]
        return [resource for rule in constraints[which] for resource in rule["resources"]]

    assert rules("keyward-status", "resourceRules") == ["*/status"]
    assert rules("keyward-status", "excludeResourceRules") == rules("keyward-policy-status", "resourceRules")


def test_agents_are_kept_to_their_entries_in_all_that_the_status_holds() -> None:
    assert set(KeyspacesPolicyStatus.model_fields) == {"agents"}, "who may write the rest? keyward-policy-status says"


def test_the_operator_is_whoever_its_pods_run_as(render: Render) -> None:
    for policy in all_of(render(values("everything")), "ValidatingAdmissionPolicy"):
        assert "'system:serviceaccount:keyward-system:operator'" in str(policy["spec"])


def test_they_can_be_left_out(render: Render) -> None:
    least = render(values("least"))
    assert all_of(least, "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding") == []
