"""What the chart installs, and which values it refuses."""

import subprocess
import tomllib
from typing import Any

import kubernetes_validate
import pytest
import yaml

from keyward_api import names
from keyward_api.crds import KINDS
from keyward_api.tenants import PlatformSettings
from local.chart import kubernetes_types, snapshots
from local.cluster import versions
from local.generate import PROJECT
from local.install import CHART

from .conftest import VALUES, Render, values
from .objects import all_of, one, pod_template

pytestmark = pytest.mark.timeout(1800)  # the first run on a machine may have to compile helm

VARIANTS = sorted(file.stem for file in VALUES.glob("*.yaml"))
KUBERNETES = [kubernetes_types.VERSION, versions.KUBERNETES.removeprefix("v").rsplit(".", 1)[0], "1.37"]
"""The oldest that the chart takes, the one that the tests run, and the newest whose schemas there are."""

FOREIGN = "monitoring.coreos.com/v1"
"""The Prometheus operator's kinds: kubernetes-validate has no schema of theirs."""


def settings(manifests: list[dict[str, Any]]) -> PlatformSettings:
    text = one(manifests, "ConfigMap", "keyward-operator", "keyward-system")["data"]["settings.yaml"]
    return PlatformSettings.model_validate(yaml.safe_load(text))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("version", KUBERNETES)
def test_every_object_is_valid(render: Render, variant: str, version: str) -> None:
    checked = [manifest for manifest in render(values(variant)) if manifest["apiVersion"] != FOREIGN]
    assert len(checked) > 10
    for manifest in checked:
        kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize("variant", VARIANTS)
def test_it_renders_as_committed(render: Render, variant: str) -> None:
    committed = (PROJECT / snapshots.SNAPSHOTS / f"{variant}.yaml").read_text()
    assert committed == snapshots.text(render(values(variant))), "is it meant? `make generate` writes it anew"


def test_every_snapshot_has_its_values() -> None:
    assert {file.stem for file in (PROJECT / snapshots.SNAPSHOTS).iterdir()} == set(VARIANTS)


@pytest.mark.parametrize("variant", VARIANTS)
def test_helm_finds_nothing_to_mend(helm: str, variant: str) -> None:
    command = [helm, "lint", "--strict", str(CHART), "--values", str(VALUES / f"{variant}.yaml")]
    linted = subprocess.run(command, capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout + linted.stderr
    assert "[WARNING]" not in linted.stdout


def test_by_default_any_namespace_may_use_amazons_endpoints_only(render: Render) -> None:
    (tenant,) = settings(render()).tenants
    assert tenant.namespace_selector.matches({})
    assert set(tenant.endpoint_types) == {"Public", "DualStack", "FIPS", "VPC"}
    assert (tenant.accounts, tenant.regions, tenant.agent_role_arns) == (("*",), ("*",), ("*",))


def test_the_operator_reads_the_settings_that_the_values_say(render: Render) -> None:
    read = settings(render(values("everything")))
    assert read.cluster_domain == "example.internal"
    assert read.agents.image == "registry.example/keyward/agent:9.9.9"
    assert read.agents.image_pull_policy == "Always"
    assert [secret.name for secret in read.agents.image_pull_secrets] == ["registry"]
    assert [(variable.name, variable.value) for variable in read.agents.env] == [
        ("AWS_ENDPOINT_URL_STS", "https://aws.keyward-local.svc")
    ]
    assert read.agents.ca_bundle == values("everything")["agents"]["caBundle"]
    payments, by_label = read.tenants
    assert payments.namespace_selector.matches({"kubernetes.io/metadata.name": "payments"})
    assert not payments.namespace_selector.matches({"kubernetes.io/metadata.name": "other"})
    assert (payments.endpoint_types, payments.accounts) == (("Custom",), ("111122223333",))
    assert by_label.namespace_selector.matches({"team": "a"})
    assert by_label.agent_role_arns == ("arn:aws:iam::111122223333:role/keyward/*",)
    assert (payments.iam.mode, payments.keyspaces) == ("None", ("*",))
    assert (by_label.iam.mode, by_label.iam.path, by_label.keyspaces) == ("Manage", "/teams/", ("team_*",))
    assert by_label.iam.permissions_boundary == "arn:aws:iam::111122223333:policy/bound"
    assert by_label.iam.managed_policies == ("AmazonKeyspacesReadOnlyAccess",)
    assert read.cluster_name == "blue"
    assert read.certificate_authorities.issuer == "AWSPCAClusterIssuer.awspca.cert-manager.io/corporate"


def test_a_list_of_no_tenants_permits_nothing(render: Render) -> None:
    assert settings(render({"tenants": []})).tenants == ()


def test_a_changed_setting_makes_no_new_pod_for_the_operator_reads_it_again(render: Render) -> None:
    before = pod_template(render())
    for changed in ({"tenants": []}, {"agents": {"env": [{"name": "A", "value": "b"}]}}):
        assert pod_template(render(changed)) == before


def test_the_operator_is_told_where_it_and_its_agents_live(render: Render) -> None:
    (container,) = pod_template(render(values("everything")))["spec"]["containers"]
    assert container["args"] == [
        "--namespace=keyward-system",
        "--agent-namespace=agents",
        "--settings-file=/etc/keyward/settings.yaml",
        "--health-address=0.0.0.0:8080",
        "--log-level=debug",
    ]
    assert container["image"] == "registry.example/keyward/operator@sha256:" + "a" * 64


def test_the_operator_is_told_of_the_namespaces_that_it_serves(render: Render) -> None:
    (container,) = pod_template(render(values("namespaced")))["spec"]["containers"]
    assert "--watch-namespaces=payments,billing" in container["args"]


def test_images_default_to_the_charts_version(render: Render) -> None:
    manifests = render()
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    assert pod_template(manifests)["spec"]["containers"][0]["image"] == f"keyward/operator:{version}"
    assert settings(manifests).agents.image == f"keyward/agent:{version}"


def test_the_chart_has_the_distributions_version() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"] == project


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_operators_pod_is_restricted(render: Render, variant: str) -> None:
    pod = pod_template(render(values(variant)))["spec"]
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
