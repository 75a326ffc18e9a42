from typing import Any

import pytest

from keyward_api.database_admission import DatabaseAdmission, admit_database
from keyward_api.names import agent_role_name
from keyward_api.tenants import Tenant
from tests.unit.api.builders import ACCOUNT, AGENT_ROLE, database

LABELS = {"kubernetes.io/metadata.name": "payments"}
CUSTOM = {"type": "Custom", "address": "a.b", "caBundle": "PEM"}


MANAGED = {"identity": {"management": "Manage"}}


def admitted(tenants: list[Tenant], **spec: Any) -> DatabaseAdmission:
    return admit_database(tenants=tenants, namespace_labels=LABELS, database=database(**spec), cluster="blue")


def refused(tenants: list[Tenant], endpoint: dict[str, str] | None = None, **spec: Any) -> list[str]:
    asked = spec | ({"endpoint": endpoint} if endpoint else {})
    return [violation.setting for violation in admitted(tenants, **asked).violations]


def managing(path: str = "/keyward/", **changes: Any) -> Tenant:
    iam = {"mode": "Manage", "path": path, "permissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/bound"}
    return Tenant.model_validate({"iam": iam} | changes)


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
    ("classes", "refusals"),
    [((), ["tenants[].priorityClasses"]), (("low-*",), ["tenants[].priorityClasses"]), (("high",), []), (("*",), [])],
)
def test_a_priority_class_needs_the_platform_s_word(classes: tuple[str, ...], refusals: list[str]) -> None:
    agent = {"identity": {"roleARN": "arn:aws:iam::111122223333:role/agent"}, "priorityClassName": "high"}
    assert refused([Tenant(priority_classes=classes)], agent=agent) == refusals


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


def test_agents_run_as_the_role_that_the_spec_names() -> None:
    found = admitted([managing()])
    assert (found.agent_role_arn, found.violations) == (AGENT_ROLE, ())
    assert admitted([]).agent_role_arn == AGENT_ROLE


def test_agents_run_as_the_role_that_the_operator_makes_below_the_path_of_the_entry_that_admits() -> None:
    tenants = [Tenant(), managing("/a/", regions=["us-*"]), managing("/b/")]
    found = admitted(tenants, agent=MANAGED)
    name = agent_role_name(cluster="blue", namespace="payments", database="orders")
    assert found.agent_role_arn == f"arn:aws:iam::{ACCOUNT}:role/b/blue/payments/{name}"
    assert (found.iam.mode, found.iam.path, found.violations) == ("Manage", "/b/", ())


def test_what_was_made_can_be_taken_away_where_some_entry_lets_the_operator() -> None:
    assert admitted([Tenant(), managing("/b/")]).iam.path == "/b/"
    assert admitted([Tenant(regions=("us-*",)), managing("/b/", regions=["us-*"])]).iam.path == "/b/"


@pytest.mark.parametrize(
    ("tenants", "settings"),
    [
        ([managing()], []),
        ([managing(agentRoleARNs=["arn:aws:iam::*:role/keyward/*"])], []),
        ([managing(agentRoleARNs=["arn:aws:iam::*:role/keyward-*"])], ["tenants[].agentRoleARNs"]),
        ([managing(accounts=["9" * 12])], ["tenants[].accounts"]),
        ([Tenant()], ["tenants[].iam.mode"]),
        ([Tenant.model_validate({"iam": {"mode": "Verify"}})], ["tenants[].iam.mode"]),
        ([], ["tenants"]),
        # Entries do not add up.
        ([managing(regions=["us-*"]), Tenant()], ["tenants[].regions"]),
    ],
)
def test_a_role_of_the_operator_s_needs_the_platform_s_word(tenants: list[Tenant], settings: list[str]) -> None:
    assert refused(tenants, agent=MANAGED) == settings
