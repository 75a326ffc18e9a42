"""Values that the chart refuses, and that it says which."""

from typing import Any

import pytest

from .conftest import Template, Values

pytestmark = pytest.mark.timeout(1800)  # the first run on a machine may have to compile helm


def tenant(**entry: Any) -> Values:
    return {"tenants": [{"namespaceSelector": {}, **entry}]}


def selector(labels: Values) -> Values:
    return tenant(namespaceSelector=labels)


def expression(**requirement: Any) -> Values:
    return selector({"matchExpressions": [requirement]})


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"replicas": 2}, "'replicas' not allowed"),
        ({"agents": {"envs": []}}, "'envs' not allowed"),
        ({"agents": {"image": {"tags": "1"}}}, "'tags' not allowed"),
        ({"agents": {"imagePullSecrets": [{"secret": "a"}]}}, "'secret' not allowed"),
        ({"agents": {"env": [{"name": "A", "valueFrom": {}}]}}, "'valueFrom' not allowed"),
        ({"agents": {"networkPolicy": {"enable": True}}}, "'enable' not allowed"),
        ({"tenants": [{"accounts": ["*"]}]}, "missing property 'namespaceSelector'"),
        ({"tenants": [{"namespaceSelector": {}, "endpoints": ["Public"]}]}, "'endpoints' not allowed"),
        ({"tenants": [{"namespaceSelector": {"matchLabel": {}}}]}, "'matchLabel' not allowed"),
        ({"tenants": [{"namespaceSelector": {"matchExpressions": [{"keys": "a"}]}}]}, "'keys' not allowed"),
        ({"image": {"pullpolicy": "Always"}}, "'pullpolicy' not allowed"),
        ({"extraEnv": [{"name": "A", "valuesFrom": {}}]}, "'valuesFrom' not allowed"),
        ({"extraEnv": [{"name": "A", "valueFrom": {"fieldref": {}}}]}, "'fieldref' not allowed"),
        ({"resources": {"request": {}}}, "'request' not allowed"),
        ({"tolerations": [{"keys": "a"}]}, "'keys' not allowed"),
        ({"affinity": {"podAffinities": {}}}, "'podAffinities' not allowed"),
        ({"affinity": {"nodeAffinity": {"required": {}}}}, "'required' not allowed"),
        ({"topologySpreadConstraints": [{"key": "zone"}]}, "'key' not allowed"),
        ({"serviceAccount": {"annotation": {}}}, "'annotation' not allowed"),
        ({"networkPolicy": {"ports": []}}, "'ports' not allowed"),
        ({"metrics": {"podMonitor": {"interval": "5s"}}}, "'interval' not allowed"),
        ({"crds": {"install": True}}, "'install' not allowed"),
    ],
)
def test_a_misspelt_key_is_refused_by_name_at_every_level(template: Template, values: Any, said: str) -> None:
    result = template(values)
    assert result.returncode != 0
    assert said in result.stderr


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({"tenants": [{"namespaceSelector": {}, "endpointTypes": ["public"]}]}, "/tenants/0/endpointTypes/0"),
        ({"tenants": [{"namespaceSelector": {}, "accounts": [111122223333]}]}, "/tenants/0/accounts/0"),
        ({"tenants": [{"namespaceSelector": {}, "accounts": ["1111-2222-3333"]}]}, "/tenants/0/accounts/0"),
        ({"agents": {"namespace": "Agents"}}, "/agents/namespace"),
        ({"agents": {"image": {"repository": ""}}}, "/agents/image/repository"),
        ({"logLevel": "verbose"}, "/logLevel"),
        ({"image": {"digest": "latest"}}, "/image/digest"),
        ({"replicaCount": "2"}, "/replicaCount"),
        ({"extraEnv": [{"name": "POD_NAME", "value": "a"}]}, "/extraEnv/0"),
        ({"networkPolicy": {"egressPorts": [70000]}}, "/networkPolicy/egressPorts/0"),
        ({"metrics": {"interval": "30"}}, "/metrics/interval"),
        ({"commonLabels": {"app.kubernetes.io/name": "other"}}, "invalid propertyName 'app.kubernetes.io/name'"),
        ({"podLabels": {"helm.sh/chart": "other"}}, "invalid propertyName 'helm.sh/chart'"),
        ({"watchNamespaces": ["Payments"]}, "/watchNamespaces/0"),
        ({"watchNamespaces": ["a", "a"]}, "/watchNamespaces"),
        ({"rbac": None}, "missing property 'rbac'"),
        ({"image": {"tag": "a b"}}, "/image/tag"),
        ({"image": {"repository": "keyward/operator:1"}}, "/image/repository"),
        ({"agents": {"image": {"tag": "a" * 129}}}, "/agents/image/tag"),
        ({"agents": {"image": {"repository": "Keyward"}}}, "/agents/image/repository"),
        ({"agents": {"caBundle": "notpem"}}, "/agents/caBundle"),
        ({"clusterDomain": "foo..bar"}, "/clusterDomain"),
        ({"clusterDomain": "cluster.local."}, "/clusterDomain"),
        ({"certificateAuthorities": {"overlapSeconds": None}}, "missing property 'overlapSeconds'"),
        (tenant(iam={"managedPolicies": ["AdministratorAccess"]}), "/tenants/0/iam/managedPolicies/0"),
        (tenant(iam={"mode": "Manage"}), "at '/tenants/0/iam': missing property 'permissionsBoundary'"),
        (tenant(iam={"mode": "Manage", "permissionsBoundary": None}), "/tenants/0/iam/permissionsBoundary"),
        (selector({"matchLabels": {"a b": "c"}}), "'a b' does not match pattern"),
        (selector({"matchLabels": {"a": "b c"}}), "/namespaceSelector/matchLabels/a"),
        (expression(key="a b", operator="Exists"), "/matchExpressions/0/key"),
        (expression(key="a", operator="In"), "/matchExpressions/0': missing property 'values'"),
        (expression(key="a", operator="In", values=[]), "/matchExpressions/0/values"),
        (expression(key="a", operator="NotIn", values=[]), "/matchExpressions/0/values"),
        (expression(key="a", operator="Exists", values=["b"]), "/matchExpressions/0/values"),
        (
            {"agents": {"networkPolicy": {"monitoringNamespaces": {"matchLabels": {"a": "b c"}}}}},
            "/agents/networkPolicy/monitoringNamespaces/matchLabels/a",
        ),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_place(template: Template, values: Any, where: str) -> None:
    result = template(values)
    assert result.returncode != 0
    assert where in result.stderr


def test_the_operator_is_not_scraped_twice(template: Template) -> None:
    both = {"metrics": {"podMonitor": {"enabled": True}, "serviceMonitor": {"enabled": True}}}
    result = template(both)
    assert result.returncode != 0
    assert "enable one of them" in result.stderr


def test_a_service_account_that_exists_must_be_named(template: Template) -> None:
    result = template({"serviceAccount": {"create": False}})
    assert result.returncode != 0
    assert "serviceAccount.name" in result.stderr


def test_no_database_may_be_where_agents_run(template: Template) -> None:
    result = template({"watchNamespaces": ["payments", "agents"], "agents": {"namespace": "agents"}})
    assert result.returncode != 0
    assert "watchNamespaces names agents" in result.stderr


@pytest.mark.parametrize(
    ("namespace", "said"),
    [
        ("keyward-system", "agents.namespace is keyward-system, the release's own namespace"),
        ("kube-system", "agents.namespace is kube-system: namespaces kube-* are Kubernetes' own"),
        ("kube-public", "agents.namespace is kube-public: namespaces kube-* are Kubernetes' own"),
    ],
)
def test_agents_run_in_a_namespace_of_their_own(template: Template, namespace: str, said: str) -> None:
    result = template({"agents": {"namespace": namespace}})
    assert result.returncode != 0
    assert said in result.stderr


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ({"lifetimeSeconds": 600}, "renewBeforeSeconds (10368000), and that below lifetimeSeconds (600)"),
        ({"overlapSeconds": 10368000}, "overlapSeconds (10368000) must be below renewBeforeSeconds (10368000)"),
        ({"renewBeforeSeconds": 31536000}, "renewBeforeSeconds (31536000), and that below lifetimeSeconds (31536000)"),
        ({"lifetimeSeconds": 900.0, "renewBeforeSeconds": 900, "overlapSeconds": 60}, "below lifetimeSeconds (900)"),
    ],
)
def test_times_of_certificate_authorities_must_be_in_order(template: Template, times: Values, said: str) -> None:
    result = template({"certificateAuthorities": times})
    assert result.returncode != 0
    assert said in result.stderr
