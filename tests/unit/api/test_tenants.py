import pytest
from pydantic import ValidationError

from keyward_api.tenants import PlatformSettings, Tenant, violations
from tests.unit.api.builders import database

LABELS = {"kubernetes.io/metadata.name": "payments"}
CUSTOM = {"type": "Custom", "address": "a.b", "caBundle": "PEM"}


def refused(tenants: list[Tenant], endpoint: dict[str, str] | None = None) -> list[str]:
    spec = database(**({"endpoint": endpoint} if endpoint else {})).spec
    return [v.setting for v in violations(tenants=tenants, namespace_labels=LABELS, spec=spec)]


def test_the_shipped_default_admits_amazons_endpoints_and_no_custom_one() -> None:
    assert refused([Tenant()]) == []
    assert refused([Tenant()], CUSTOM) == ["tenants[].endpointTypes"]


@pytest.mark.parametrize(
    ("tenant", "setting"),
    [
        (Tenant(accounts=("999999999999",)), "tenants[].accounts"),
        (Tenant(regions=("us-*",)), "tenants[].regions"),
        (Tenant(endpoint_types=("VPC",)), "tenants[].endpointTypes"),
        (Tenant(agent_role_arns=("arn:aws:iam::*:role/team-*",)), "tenants[].agentRoleARNs"),
    ],
)
def test_what_an_entry_does_not_admit_is_named(tenant: Tenant, setting: str) -> None:
    assert refused([tenant]) == [setting]


@pytest.mark.parametrize(
    ("admitted", "refusals"),
    [((), ["tenants[].priorityClasses"]), (("low-*",), ["tenants[].priorityClasses"]), (("high",), []), (("*",), [])],
)
def test_a_priority_class_needs_the_platform_s_word(admitted: tuple[str, ...], refusals: list[str]) -> None:
    agent = {"identity": {"roleARN": "arn:aws:iam::111122223333:role/agent"}, "priorityClassName": "high"}
    spec = database(agent=agent).spec
    found = violations(tenants=[Tenant(priority_classes=admitted)], namespace_labels=LABELS, spec=spec)
    assert [violation.setting for violation in found] == refusals


def test_a_namespace_that_no_entry_selects_may_nothing() -> None:
    other = Tenant.model_validate({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "x"}}})
    assert refused([other]) == ["tenants"]
    assert refused([]) == ["tenants"]


def test_one_entry_that_admits_all_is_enough() -> None:
    assert refused([Tenant(endpoint_types=("Custom",)), Tenant()], CUSTOM) == []


def test_entries_do_not_add_up() -> None:
    assert refused([Tenant(regions=("us-*",)), Tenant(accounts=("9" * 12,))]) != []


@pytest.mark.parametrize("pattern", ["arn:aws:iam::11112222333?:role/*", "arn:aws:iam::[1]11122223333:role/*"])
def test_only_the_star_is_a_pattern(pattern: str) -> None:
    assert refused([Tenant(agent_role_arns=(pattern,))]) == ["tenants[].agentRoleARNs"]


def test_a_misspelt_setting_is_an_error() -> None:
    with pytest.raises(ValidationError, match="endpointType"):
        PlatformSettings.model_validate({"agents": {"image": "x"}, "tenants": [{"endpointType": ["Public"]}]})
