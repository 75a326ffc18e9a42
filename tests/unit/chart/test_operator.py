"""The operator's Deployment: who it runs as, and how it stays available."""

import pytest

from .conftest import Render, values
from .objects import all_of, one, pod_template

pytestmark = pytest.mark.timeout(1800)  # the first run on a machine may have to compile helm

SYSTEM = "keyward-system"
OPERATOR = "keyward-operator"


def test_two_operators_run_and_one_may_go_at_a_time(render: Render) -> None:
    manifests = render()
    deployment = one(manifests, "Deployment", OPERATOR, SYSTEM)["spec"]
    budget = one(manifests, "PodDisruptionBudget", OPERATOR, SYSTEM)["spec"]
    assert deployment["replicas"] == 2
    assert (budget["maxUnavailable"], budget["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")
    assert budget["selector"] == deployment["selector"]


def test_operators_are_spread_where_that_is_possible(render: Render) -> None:
    manifests = render()
    selector = one(manifests, "Deployment", OPERATOR, SYSTEM)["spec"]["selector"]
    constraints = pod_template(manifests)["spec"]["topologySpreadConstraints"]
    assert [constraint["topologyKey"] for constraint in constraints] == [
        "topology.kubernetes.io/zone",
        "kubernetes.io/hostname",
    ]
    for constraint in constraints:
        assert constraint["whenUnsatisfiable"] == "ScheduleAnyway"
        assert constraint["labelSelector"] == selector


def test_a_constraint_keeps_the_selector_that_it_brings(render: Render) -> None:
    ours, brought = pod_template(render(values("everything")))["spec"]["topologySpreadConstraints"]
    assert "app.kubernetes.io/component" in ours["labelSelector"]["matchLabels"]
    assert brought["labelSelector"] == {"matchLabels": {"a": "b"}}


def test_variables_are_added_to_the_operators_own(render: Render) -> None:
    (container,) = pod_template(render(values("everything")))["spec"]["containers"]
    assert [variable["name"] for variable in container["env"]] == [
        *("POD_NAME", "AWS_CA_BUNDLE"),
        *("AWS_ENDPOINT_URL_IAM", "NODE"),
    ]


def test_roots_for_aws_reach_the_operator_too_and_others_make_new_pods(render: Render) -> None:
    given = values("everything")
    manifests = render(given)
    (container,) = pod_template(manifests)["spec"]["containers"]
    (mount,) = [mount for mount in container["volumeMounts"] if mount["name"] == "settings"]
    bundle = {variable["name"]: variable.get("value") for variable in container["env"]}["AWS_CA_BUNDLE"]
    files = one(manifests, "ConfigMap", OPERATOR, SYSTEM)["data"]
    assert files[bundle.removeprefix(f"{mount['mountPath']}/")] == given["agents"]["caBundle"]
    given["agents"] |= {"caBundle": given["agents"]["caBundle"].replace("MIIB", "MIIC")}
    assert pod_template(render(given))["metadata"]["annotations"] != pod_template(manifests)["metadata"]["annotations"]
    assert "AWS_CA_BUNDLE" not in str(pod_template(render()))


def test_labels_reach_every_object_and_the_pods(render: Render) -> None:
    manifests = render(values("everything"))
    unlabelled = [
        manifest["metadata"]["name"]
        for manifest in manifests
        if manifest["metadata"]["labels"].get("team") != "platform" and manifest["kind"] != "CustomResourceDefinition"
    ]
    assert unlabelled == []
    assert pod_template(manifests)["metadata"]["labels"]["example.com/c"] == "d"


def test_it_runs_as_a_service_account_whose_token_is_mounted_there_only(render: Render) -> None:
    manifests = render()
    account = one(manifests, "ServiceAccount", OPERATOR, SYSTEM)
    pod = pod_template(manifests)["spec"]
    assert account["automountServiceAccountToken"] is False
    assert (pod["serviceAccountName"], pod["automountServiceAccountToken"]) == (OPERATOR, True)


@pytest.mark.parametrize(("variant", "name"), [("everything", "operator"), ("least", "existing")])
def test_rights_are_bound_to_the_service_account_that_it_runs_as(render: Render, variant: str, name: str) -> None:
    manifests = render(values(variant))
    assert pod_template(manifests)["spec"]["serviceAccountName"] == name
    accounts = [
        (subject["namespace"], subject["name"])
        for binding in all_of(manifests, "RoleBinding", "ClusterRoleBinding")
        for subject in binding["subjects"]
        if subject["kind"] == "ServiceAccount"
    ]
    assert set(accounts) == {(SYSTEM, name)}
    assert len(accounts) >= 3


def test_an_iam_role_is_an_annotation_of_its_service_account(render: Render) -> None:
    account = one(render(values("everything")), "ServiceAccount", "operator", SYSTEM)
    assert account["metadata"]["annotations"] == {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/o"}


def test_a_service_account_that_exists_is_not_made(render: Render) -> None:
    assert all_of(render(values("least")), "ServiceAccount") == []
