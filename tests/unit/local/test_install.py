from keyward_api.database_admission import admit_database
from keyward_api.tenants import PlatformSettings
from local.cluster import servers, services
from local.install import ACCOUNT, LOCAL_TENANT_LABEL, REGION, STS_ENDPOINT, values, values_with_iam
from tests.unit.api.builders import database

CUSTOM = {"type": "Custom", "address": "keyspaces.keyward-local.svc", "caBundle": "PEM"}


def settings(labels: dict[str, str], role: str = "keyward-agent-orders") -> tuple[str, ...]:
    chart = values(ca_bundle="PEM")
    tenants = PlatformSettings.model_validate({"tenants": chart["tenants"], "agents": {"image": "x"}}).tenants
    wanted = database(
        aws={"accountID": ACCOUNT, "region": REGION},
        endpoint=CUSTOM,
        agent={"identity": {"roleARN": f"arn:aws:iam::{ACCOUNT}:role/{role}"}},
    )
    found = admit_database(tenants=tenants, namespace_labels=labels, database=wanted, cluster="cluster-uid")
    return tuple(violation.setting for violation in found.violations)


def test_only_labelled_namespaces_may_use_custom_endpoints() -> None:
    assert settings({LOCAL_TENANT_LABEL: "true"}) == ()
    assert settings({}) == ("tenants[].endpointTypes",)


def test_only_agent_roles_may_be_agents() -> None:
    assert "tenants[].agentRoleARNs" in settings({LOCAL_TENANT_LABEL: "true"}, role="Administrator")


def test_roles_are_made_for_labelled_namespaces_only() -> None:
    chart = values_with_iam(ca_bundle="PEM")
    tenants = PlatformSettings.model_validate({"tenants": chart["tenants"], "agents": {"image": "x"}}).tenants
    wanted = database(
        aws={"accountID": ACCOUNT, "region": REGION}, endpoint=CUSTOM, agent={"identity": {"management": "Manage"}}
    )

    def refused(labels: dict[str, str]) -> list[str]:
        found = admit_database(tenants=tenants, namespace_labels=labels, database=wanted, cluster=chart["clusterName"])
        return [violation.setting for violation in found.violations]

    assert refused({LOCAL_TENANT_LABEL: "true"}) == []
    assert "tenants[].iam.mode" in refused({})


def test_the_endpoint_of_sts_is_a_setting_and_can_be_left_out() -> None:
    assert values(ca_bundle="PEM")["agents"]["env"] == [{"name": "AWS_ENDPOINT_URL_STS", "value": STS_ENDPOINT}]
    assert values(ca_bundle="PEM", sts_endpoint=None)["agents"]["env"] == []


def test_agents_may_connect_to_where_the_services_of_local_aws_and_local_keyspaces_lead() -> None:
    """A NetworkPolicy sees the endpoint's port, not the Service's."""
    slices = services.manifests("172.18.0.1", servers.AWS_PORT, servers.KEYSPACES_PORT)
    targets = {port["port"] for found in slices if found["kind"] == "EndpointSlice" for port in found["ports"]}  # type: ignore[attr-defined]
    assert len(targets) == 2
    assert targets <= set(values(ca_bundle="PEM")["agents"]["networkPolicy"]["egressPorts"])
