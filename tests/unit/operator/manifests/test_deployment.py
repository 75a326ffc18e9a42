from dataclasses import fields
from typing import Any

import pytest

from keyward_api.resources.database import Agent
from keyward_operator.children import Child
from keyward_operator.manifests.client_service import client_service
from keyward_operator.manifests.deployment import deployment
from keyward_operator.manifests.replicas_service import replicas_service
from keyward_operator.manifests.service import service
from keyward_proxy.agent import AUDIT_FLUSH_SECONDS
from keyward_proxy.agent_settings import AgentSettings
from tests.unit.operator.builders import AWS_ROOTS, REFERENCES, ROLE_ARN, context, settings

SHORT = REFERENCES[Child.SERVICE].name
HEADLESS = REFERENCES[Child.REPLICAS_SERVICE].name


def built(
    replicas: int = 2,
    role_arn: str = ROLE_ARN,
    account_uid: str = "u",
    spec: dict[str, Any] | None = None,
    **agents: Any,
) -> dict[str, Any]:
    platform = settings(agents={"image": "keyward/agent:1", **agents})
    identity = {"type": "IRSA", "roleARN": role_arn}
    agent = Agent.model_validate({"replicas": replicas, "identity": identity, **(spec or {})})
    return deployment(
        context(platform), agent=agent, role_arn=role_arn, replicas=agent.replicas, account_uid=account_uid
    )


def container(manifest: dict[str, Any]) -> dict[str, Any]:
    (found,) = manifest["spec"]["template"]["spec"]["containers"]
    return dict(found)


def test_the_agent_is_told_where_its_policy_and_its_names_are() -> None:
    assert container(built())["args"] == [
        "--policy-namespace=keyward-agents",
        "--policy-name=payments.orders",
        "--operator-lease=keyward-system/keyward-operator",
        "--ca-directory=/etc/keyward/ca",
        "--listen=0.0.0.0:9142",
        "--external-listen=0.0.0.0:9143",
        "--service-listen=0.0.0.0:9144",
        "--health-address=0.0.0.0:8080",
        "--log-level=info",
        "--server-name=keyward-orders.payments.svc",
        "--server-name=keyward-orders.payments.svc.cluster.local",
        f"--server-name={SHORT}.keyward-agents.svc",
        f"--server-name={SHORT}.keyward-agents.svc.cluster.local",
        f"--server-name={HEADLESS}.keyward-agents.svc",
        f"--server-name={HEADLESS}.keyward-agents.svc.cluster.local",
    ]


def test_a_tenant_chooses_where_and_how_large_agents_are_and_nothing_else() -> None:
    pod = built(
        spec={
            "resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "2", "memory": "1Gi"}},
            "nodeSelector": {"pool": "agents"},
            "tolerations": [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}],
            "topologySpreadConstraints": [{"topologyKey": "rack", "whenUnsatisfiable": "DoNotSchedule"}],
            "priorityClassName": "high",
            "logLevel": "debug",
            "image": "mine",
            "env": [{"name": "LD_PRELOAD", "value": "x"}],
        }
    )["spec"]["template"]["spec"]
    plain = built()["spec"]["template"]["spec"]
    (agent,) = pod["containers"]
    assert agent["resources"] == {
        "requests": {"cpu": "1"},
        "limits": {"cpu": "2", "memory": "1Gi"},
    }
    assert "--log-level=debug" in agent["args"]
    assert pod["nodeSelector"] == {"pool": "agents"}
    assert pod["tolerations"] == [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}]
    (spread,) = pod["topologySpreadConstraints"]
    assert (spread["topologyKey"], spread["whenUnsatisfiable"], spread["maxSkew"]) == ("rack", "DoNotSchedule", 1)
    assert spread["labelSelector"] == plain["topologySpreadConstraints"][0]["labelSelector"]
    assert pod["priorityClassName"] == "high"
    chosen = ("resources", "args")
    assert {k: v for k, v in agent.items() if k not in chosen} == {
        k: v for k, v in plain["containers"][0].items() if k not in chosen
    }


@pytest.mark.parametrize(
    ("wanted", "requests", "limits"),
    [
        ({}, {"cpu": "50m", "memory": "128Mi"}, {"memory": "512Mi"}),
        ({"requests": {"memory": "1Gi"}}, {"cpu": "50m", "memory": "1Gi"}, {"memory": "1Gi"}),
        ({"limits": {"memory": "64Mi", "cpu": "10m"}}, {}, {"memory": "64Mi", "cpu": "10m"}),
    ],
)
def test_what_is_chosen_is_not_contradicted_by_a_default(
    wanted: dict[str, Any], requests: dict[str, str], limits: dict[str, str]
) -> None:
    assert container(built(spec={"resources": wanted}))["resources"] == {"requests": requests, "limits": limits}


def test_agents_are_spread_over_zones_and_nodes_as_far_as_that_goes() -> None:
    spread = built()["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert [(each["topologyKey"], each["whenUnsatisfiable"]) for each in spread] == [
        ("topology.kubernetes.io/zone", "ScheduleAnyway"),
        ("kubernetes.io/hostname", "ScheduleAnyway"),
    ]


def test_no_agent_is_missed_while_pods_roll() -> None:
    spec = built()["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert spec["minReadySeconds"] == 10


def test_an_agent_s_end_fits_the_grace_period() -> None:
    grace = built()["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    defaults = {field.name: field.default for field in fields(AgentSettings)}
    assert grace > defaults["longest_endpoints_seconds"] + defaults["drain_seconds"] + AUDIT_FLUSH_SECONDS


def test_the_ports_are_named_for_the_services() -> None:
    ports = {port["name"]: port["containerPort"] for port in container(built())["ports"]}
    assert (ports["cql"], ports["cql-external"], ports["cql-service"]) == (9142, 9143, 9144)
    targets = [
        {port["port"]: ports[port["targetPort"]] for port in build(context())["spec"]["ports"]}
        for build in (service, replicas_service)
    ]
    assert targets == [{9142: 9144, 9143: 9143}, {9142: 9142}]


def test_clients_names_stand_for_the_agents_themselves() -> None:
    assert replicas_service(context())["spec"]["clusterIP"] == "None"
    assert client_service(context())["spec"]["externalName"] == f"{HEADLESS}.keyward-agents.svc.cluster.local"


def test_it_runs_restricted() -> None:
    pod = built()["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    own = container(built())["securityContext"]
    assert own == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_what_agents_cannot_follow_makes_other_pods_and_replicas_do_not() -> None:
    def template(manifest: dict[str, Any]) -> object:
        return manifest["spec"]["template"]

    assert template(built()) == template(built(replicas=5))
    assert template(built()) != template(built(role_arn=ROLE_ARN + "2"))
    assert template(built()) != template(built(account_uid="another"))
    assert template(built(caBundle=AWS_ROOTS)) != template(built(caBundle=2 * AWS_ROOTS))


def test_the_platforms_environment_and_roots_reach_the_agent() -> None:
    manifest = built(env=[{"name": "AWS_ENDPOINT_URL_STS", "value": "https://sts"}], caBundle=AWS_ROOTS)
    env = {variable["name"]: variable.get("value") for variable in container(manifest)["env"]}
    assert env["AWS_ENDPOINT_URL_STS"] == "https://sts"
    assert env["AWS_CA_BUNDLE"] == "/etc/keyward/aws/ca.crt"
    assert {"name": "aws-roots", "mountPath": "/etc/keyward/aws", "readOnly": True} in container(manifest)[
        "volumeMounts"
    ]
    assert "AWS_CA_BUNDLE" not in {variable["name"] for variable in container(built())["env"]}


@pytest.mark.parametrize("name", ["POD_IP", "AWS_CA_BUNDLE", "X"])
def test_no_variable_is_named_twice(name: str) -> None:
    manifest = built(env=[{"name": name, "value": "1"}, {"name": name, "value": "2"}], caBundle=AWS_ROOTS)
    found = [variable["name"] for variable in container(manifest)["env"]]
    assert len(found) == len(set(found))


def test_an_identity_never_comes_from_the_operator() -> None:
    assert not {"AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"} & {v["name"] for v in container(built())["env"]}


def test_secrets_for_the_registry_are_named() -> None:
    assert built(imagePullSecrets=[{"name": "registry"}])["spec"]["template"]["spec"]["imagePullSecrets"] == [
        {"name": "registry"}
    ]
    assert "imagePullSecrets" not in built()["spec"]["template"]["spec"]


def test_agents_see_of_the_authorities_only_the_one_that_signs() -> None:
    (volume,) = (found for found in built()["spec"]["template"]["spec"]["volumes"] if found["name"] == "ca")
    assert [item["key"] for item in volume["secret"]["items"]] == ["tls.crt", "tls.key"]
