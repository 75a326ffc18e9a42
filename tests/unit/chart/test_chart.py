"""What the chart installs, and which values it refuses."""

import subprocess
from collections.abc import Callable
from typing import Any

import kubernetes_validate
import pytest
import yaml

from keyward_api import names
from keyward_api.crds import KINDS
from keyward_api.tenants import PlatformSettings

from .conftest import CHART, Render
from .objects import all_of, one

pytestmark = pytest.mark.timeout(1800)  # the first run on a machine may have to compile helm

FULL: dict[str, Any] = {
    "replicaCount": 2,
    "image": {"repository": "registry.example/keyward/operator", "digest": "sha256:" + "a" * 64},
    "imagePullSecrets": [{"name": "registry"}],
    "agents": {
        "namespace": "agents",
        "image": {"repository": "registry.example/keyward/agent", "tag": "9.9.9", "pullPolicy": "Always"},
        "imagePullSecrets": [{"name": "registry"}],
        "env": [{"name": "AWS_ENDPOINT_URL_STS", "value": "https://aws.keyward-local.svc"}],
        "caBundle": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    },
    "tenants": [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "payments"}},
            "accounts": ["111122223333"],
            "endpointTypes": ["Custom"],
        },
        {
            "namespaceSelector": {"matchExpressions": [{"key": "team", "operator": "In", "values": ["a"]}]},
            "agentRoleARNs": ["arn:aws:iam::111122223333:role/keyward/*"],
        },
    ],
    "clusterDomain": "example.internal",
    "logLevel": "debug",
    "podAnnotations": {"example.com/a": "b"},
    "podLabels": {"example.com/c": "d"},
    "tolerations": [{"operator": "Exists"}],
    "affinity": {"podAntiAffinity": {}},
    "topologySpreadConstraints": [
        {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"},
    ],
    "priorityClassName": "system-cluster-critical",
    "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/o"}},
    "crds": {"keep": False},
    "rbac": {"aggregateClusterRoles": False},
    "commonLabels": {"team": "platform"},
}

Values = dict[str, Any] | None
VARIANTS = [pytest.param(None, id="defaults"), pytest.param(FULL, id="all values")]


def settings(manifests: list[dict[str, Any]]) -> PlatformSettings:
    text = one(manifests, "ConfigMap", "keyward-operator", "keyward-system")["data"]["settings.yaml"]
    return PlatformSettings.model_validate(yaml.safe_load(text))


def pod_template(manifests: list[dict[str, Any]]) -> dict[str, Any]:
    deployment = one(manifests, "Deployment", "keyward-operator", "keyward-system")
    return deployment["spec"]["template"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("values", VARIANTS)
@pytest.mark.parametrize("version", ["1.30", "1.35"])
def test_every_object_is_valid(render: Render, values: Values, version: str) -> None:
    for manifest in render(values):
        kubernetes_validate.validate(manifest, version, strict=True)


def test_by_default_any_namespace_may_use_amazons_endpoints_only(render: Render) -> None:
    (tenant,) = settings(render()).tenants
    assert tenant.namespace_selector.matches({})
    assert set(tenant.endpoint_types) == {"Public", "DualStack", "FIPS", "VPC"}
    assert (tenant.accounts, tenant.regions, tenant.agent_role_arns) == (("*",), ("*",), ("*",))


def test_the_operator_reads_the_settings_that_the_values_say(render: Render) -> None:
    read = settings(render(FULL))
    assert read.cluster_domain == "example.internal"
    assert read.agents.image == "registry.example/keyward/agent:9.9.9"
    assert read.agents.image_pull_policy == "Always"
    assert [secret.name for secret in read.agents.image_pull_secrets] == ["registry"]
    assert [(variable.name, variable.value) for variable in read.agents.env] == [
        ("AWS_ENDPOINT_URL_STS", "https://aws.keyward-local.svc")
    ]
    assert read.agents.ca_bundle == FULL["agents"]["caBundle"]
    payments, by_label = read.tenants
    assert payments.namespace_selector.matches({"kubernetes.io/metadata.name": "payments"})
    assert not payments.namespace_selector.matches({"kubernetes.io/metadata.name": "other"})
    assert (payments.endpoint_types, payments.accounts) == (("Custom",), ("111122223333",))
    assert by_label.namespace_selector.matches({"team": "a"})
    assert by_label.agent_role_arns == ("arn:aws:iam::111122223333:role/keyward/*",)


def test_a_list_of_no_tenants_permits_nothing(render: Render) -> None:
    assert settings(render({"tenants": []})).tenants == ()


def test_a_changed_setting_makes_a_new_pod(render: Render) -> None:
    hashes = {
        pod_template(render(values))["metadata"]["annotations"]["keyward.dev/settings-hash"]
        for values in (None, {"tenants": []}, {"agents": {"env": [{"name": "A", "value": "b"}]}})
    }
    assert len(hashes) == 3


def test_the_operator_is_told_where_it_and_its_agents_live(render: Render) -> None:
    (container,) = pod_template(render(FULL))["spec"]["containers"]
    assert container["args"] == [
        "--namespace=keyward-system",
        "--agent-namespace=agents",
        "--settings-file=/etc/keyward/settings.yaml",
        "--health-address=0.0.0.0:8080",
        "--log-level=debug",
    ]
    assert container["image"] == "registry.example/keyward/operator@sha256:" + "a" * 64


def test_images_default_to_the_charts_version(render: Render) -> None:
    manifests = render()
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    assert pod_template(manifests)["spec"]["containers"][0]["image"] == f"keyward/operator:{version}"
    assert settings(manifests).agents.image == f"keyward/agent:{version}"


def test_the_chart_has_the_distributions_version() -> None:
    import tomllib

    project = tomllib.loads((CHART.parents[1] / "pyproject.toml").read_text())["project"]["version"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"] == project


@pytest.mark.parametrize("values", VARIANTS)
def test_the_operators_pod_is_restricted(render: Render, values: Values) -> None:
    pod = pod_template(render(values))["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 65532
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & pod.keys()
    assert {next(iter(volume.keys() - {"name"})) for volume in pod["volumes"]} == {"configMap", "emptyDir"}


def test_the_agents_namespace_is_restricted(render: Render) -> None:
    labels = one(render(), "Namespace", names.AGENTS_NAMESPACE)["metadata"]["labels"]
    modes = ("enforce", "audit", "warn")
    assert [labels[f"pod-security.kubernetes.io/{mode}"] for mode in modes] == ["restricted"] * 3


def test_an_existing_agents_namespace_is_left_alone(render: Render) -> None:
    assert all_of(render({"agents": {"createNamespace": False}}), "Namespace") == []


@pytest.mark.parametrize("keep", [True, False])
def test_definitions_outlive_the_release_unless_told_otherwise(render: Render, keep: bool) -> None:
    definitions = all_of(render({"crds": {"keep": keep}}), "CustomResourceDefinition")
    assert len(definitions) == len(KINDS)
    policies = {d["metadata"].get("annotations", {}).get("helm.sh/resource-policy") for d in definitions}
    assert policies == ({"keep"} if keep else {None})


def test_definitions_can_be_managed_elsewhere(render: Render) -> None:
    assert all_of(render({"crds": {"enabled": False}}), "CustomResourceDefinition") == []


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"replicas": 2}, "replicas"),
        ({"agents": {"envs": []}}, "envs"),
        ({"agents": {"image": {"tags": "1"}}}, "tags"),
        ({"tenants": [{"accounts": ["*"]}]}, "namespaceSelector"),
        ({"tenants": [{"namespaceSelector": {}, "endpoints": ["Public"]}]}, "endpoints"),
        ({"tenants": [{"namespaceSelector": {}, "endpointTypes": ["public"]}]}, "endpointTypes"),
        ({"tenants": [{"namespaceSelector": {}, "accounts": [111122223333]}]}, "accounts"),
        ({"tenants": [{"namespaceSelector": {"matchLabel": {}}}]}, "matchLabel"),
        ({"logLevel": "verbose"}, "logLevel"),
        ({"image": {"digest": "latest"}}, "digest"),
    ],
)
def test_a_misspelt_value_is_refused_by_name(
    template: Callable[..., subprocess.CompletedProcess[str]], values: dict[str, Any], said: str
) -> None:
    result = template(values)
    assert result.returncode != 0
    assert said in result.stderr
