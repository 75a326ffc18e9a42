from keyward_api.tenants import PlatformSettings, violations
from local.install import ACCOUNT, LOCAL_TENANT_LABEL, REGION, STS_ENDPOINT, values
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
    return tuple(v.setting for v in violations(tenants=tenants, namespace_labels=labels, spec=wanted.spec))


def test_only_labelled_namespaces_may_use_custom_endpoints() -> None:
    assert settings({LOCAL_TENANT_LABEL: "true"}) == ()
    assert settings({}) == ("tenants[].endpointTypes",)


def test_only_agent_roles_may_be_agents() -> None:
    assert "tenants[].agentRoleARNs" in settings({LOCAL_TENANT_LABEL: "true"}, role="Administrator")


def test_the_endpoint_of_sts_is_a_setting_and_can_be_left_out() -> None:
    assert values(ca_bundle="PEM")["agents"]["env"] == [{"name": "AWS_ENDPOINT_URL_STS", "value": STS_ENDPOINT}]
    assert values(ca_bundle="PEM", sts_endpoint=None)["agents"]["env"] == []
