"""The operator as a process against a real API server, with the rights that the chart gives it and no other."""

import json
import subprocess
import sysconfig
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from keyward_api import names
from tests.integration.operator.conftest import Objects
from tests.integration.operator.control_plane import ControlPlane, RunningOperator, eventually
from tests.integration.operator.installation import SETTINGS
from tests.integration.operator.resources import DB_USER, ROLE_ARN, condition, database, lock, role, user

pytestmark = pytest.mark.first

AGENTS = names.AGENTS_NAMESPACE
RESYNC = 1.0
NewOperator = Callable[..., RunningOperator]
Json = dict[str, Any]


@pytest.fixture(scope="module")
def operator(new_operator: NewOperator) -> RunningOperator:
    running = new_operator(resync_seconds=RESYNC)
    running.start()
    running.wait_until_ready()
    return running


def dotted(namespace: str) -> str:
    return names.dotted_child_name(namespace=namespace, name="orders")


def short(namespace: str) -> str:
    return names.child_name(namespace=namespace, name="orders")


def replicas(namespace: str) -> str:
    """Name of the headless Service, to which clients' names lead."""
    return names.replicas_service_name(namespace=namespace, name="orders")


def settle(objects: Objects, namespace: str) -> None:
    """Users, a role and a database, and all that follows from them."""
    objects.apply(role(namespace), user(namespace), database(namespace))
    objects.wait(
        "keyspacesdatabase",
        "orders",
        namespace,
        # Told once there are a policy and a Deployment.
        until=lambda found: (
            "policyRevision" in found.get("status", {})
            and condition(found, "AgentAvailable")["reason"] == "Unavailable"
        ),
    )


def children(namespace: str) -> list[tuple[str, str, str]]:
    """Kind, name and namespace of every child."""
    with_agents = [
        ("serviceaccount", dotted(namespace)),
        ("secret", dotted(namespace)),
        ("role", dotted(namespace)),
        ("rolebinding", dotted(namespace)),
        ("keyspacespolicy", dotted(namespace)),
        ("deployment", short(namespace)),
        ("poddisruptionbudget", dotted(namespace)),
        ("service", short(namespace)),
        ("service", replicas(namespace)),
    ]
    own = [("service", "keyward-orders"), ("configmap", "keyward-orders-ca")]
    return [(*child, AGENTS) for child in with_agents] + [(*child, namespace) for child in own]


def test_a_database_becomes_its_children(operator: RunningOperator, objects: Objects, namespace: str) -> None:
    settle(objects, namespace)
    found = {child: objects.wait(*child) for child in children(namespace)}
    account = found["serviceaccount", dotted(namespace), AGENTS]
    assert account["metadata"]["annotations"] == {names.ANNOTATION_IRSA_ROLE: ROLE_ARN}
    policy = found["keyspacespolicy", dotted(namespace), AGENTS]["spec"]
    assert [grant["dbUser"] for grant in policy["grants"]] == [DB_USER]
    assert policy["database"]["serviceAddress"] == found["service", short(namespace), AGENTS]["spec"]["clusterIP"]
    alias = found["service", "keyward-orders", namespace]["spec"]
    assert alias["externalName"] == f"{replicas(namespace)}.{AGENTS}.svc.cluster.local"
    assert found["service", replicas(namespace), AGENTS]["spec"]["clusterIP"] == "None"
    secret = found["secret", dotted(namespace), AGENTS]["data"]
    authority = found["configmap", "keyward-orders-ca", namespace]["data"]["ca.crt"]
    assert b64decode(secret["tls.crt"]).decode() == authority
    # The Deployment's own controller makes the pods.
    made = objects.wait("keyspacesdatabase", "orders", namespace, until=lambda live: live["status"]["replicas"] == 2)
    status = made["status"]
    assert status["caBundle"] == authority
    assert status["policyRevision"] == policy["revision"]
    assert (status["users"], status["grants"]) == (1, 1)
    assert status["identity"]["serviceAccount"] == f"{AGENTS}/{dotted(namespace)}"


def test_agents_run_as_the_strictest_pod_security_level_asks(
    operator: RunningOperator, objects: Objects, namespace: str, installed: ControlPlane
) -> None:
    settle(objects, namespace)
    pod = objects.wait("deployment", short(namespace), AGENTS)["spec"]["template"]
    pod |= {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe", "namespace": namespace}}
    installed.kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    installed.kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(pod))


def test_agents_are_scheduled_as_the_database_asks_and_a_look_at_it_writes_nothing(
    operator: RunningOperator, objects: Objects, namespace: str
) -> None:
    agent = {
        "identity": {"roleARN": ROLE_ARN},
        "resources": {"requests": {"cpu": "0.25"}, "limits": {"memory": "1024Mi"}},
        "nodeSelector": {"node.kubernetes.io/pool": "agents"},
        "tolerations": [{"operator": "Exists"}, {"key": "a/b", "value": "c", "effect": "NoExecute"}],
        "topologySpreadConstraints": [{"topologyKey": "rack", "whenUnsatisfiable": "DoNotSchedule"}],
        "logLevel": "debug",
    }
    objects.apply(role(namespace), user(namespace), database(namespace, agent=agent))
    pod = objects.wait("deployment", short(namespace), AGENTS)["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["resources"] == {
        "requests": {"cpu": "250m"},
        "limits": {"memory": "1Gi"},
    }
    assert pod["nodeSelector"] == {"node.kubernetes.io/pool": "agents"}
    assert pod["tolerations"] == [
        {"operator": "Exists"},
        {"key": "a/b", "operator": "Equal", "value": "c", "effect": "NoExecute"},
    ]
    budget = objects.wait("poddisruptionbudget", dotted(namespace), AGENTS)["spec"]
    assert budget["selector"]["matchLabels"] == pod["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"]
    operator.settle()
    assert operator.look_at_everything(4) == 0


def test_a_resync_without_changes_writes_nothing(operator: RunningOperator, objects: Objects, namespace: str) -> None:
    settle(objects, namespace)
    watched = [*children(namespace), ("keyspacesdatabase", "orders", namespace)]
    # The Deployment's own controller may still write; wait until nothing changes.
    operator.settle()
    versions = {child: objects.wait(*child)["metadata"]["resourceVersion"] for child in watched}
    assert operator.look_at_everything(4) == 0
    assert versions == {child: objects.wait(*child)["metadata"]["resourceVersion"] for child in watched}


def test_a_child_that_the_api_server_refuses_is_told_and_keeps_nothing_else_back(
    operator: RunningOperator, objects: Objects, namespace: str
) -> None:
    resources = {"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}}
    agent = {"identity": {"roleARN": ROLE_ARN}, "resources": resources}
    objects.apply(role(namespace), user(namespace), database(namespace, agent=agent))
    found = objects.wait(
        "keyspacesdatabase", "orders", namespace, until=lambda found: condition(found, "Ready")["reason"] == "Refused"
    )
    assert f"Deployment {AGENTS}/{short(namespace)}" in condition(found, "Ready")["message"]
    assert "must be less than or equal to memory limit" in condition(found, "Ready")["message"]
    objects.wait(
        "keyspacesdatabase",
        "orders",
        namespace,
        until=lambda found: condition(found, "PolicyCompiled")["status"] == "True",
        what="who has access is not held up by it",
    )
    objects.wait("poddisruptionbudget", dotted(namespace), AGENTS)
    objects.apply(database(namespace))
    objects.wait("deployment", short(namespace), AGENTS)
    objects.wait(
        "keyspacesdatabase", "orders", namespace, until=lambda found: condition(found, "Ready")["reason"] != "Refused"
    )


def test_drift_is_repaired(
    operator: RunningOperator, objects: Objects, namespace: str, installed: ControlPlane
) -> None:
    settle(objects, namespace)
    deployment = short(namespace)
    image = SETTINGS["agents"]["image"]
    installed.kubectl("set", "image", f"deployment/{deployment}", "agent=evil:1", "-n", AGENTS)
    none = '{"spec": {"replicas": 0}}'
    installed.kubectl("patch", "deployment", deployment, "-n", AGENTS, "--type=merge", "-p", none)
    objects.wait(
        "deployment",
        deployment,
        AGENTS,
        until=lambda live: (
            live["spec"]["template"]["spec"]["containers"][0]["image"] == image and live["spec"]["replicas"] == 2
        ),
    )
    installed.kubectl(
        "patch", "service", "keyward-orders", "-n", namespace, "--type=merge", "-p",
        '{"spec": {"externalName": "evil.example"}}',
    )  # fmt: skip
    objects.wait(
        "service", "keyward-orders", namespace, until=lambda live: replicas(namespace) in live["spec"]["externalName"]
    )
    before = objects.wait("configmap", "keyward-orders-ca", namespace)["data"]
    installed.kubectl("delete", "configmap", "keyward-orders-ca", "-n", namespace)
    assert objects.wait("configmap", "keyward-orders-ca", namespace)["data"] == before


def test_an_authority_is_made_anew_only_when_it_is_gone(
    operator: RunningOperator, objects: Objects, namespace: str, installed: ControlPlane
) -> None:
    settle(objects, namespace)
    before = objects.wait("secret", dotted(namespace), AGENTS)["data"]
    installed.kubectl(
        "patch",
        "secret",
        dotted(namespace),
        "-n",
        AGENTS,
        "--type=merge",
        "-p",
        '{"metadata": {"annotations": {"a": "b"}}}',
    )
    assert objects.wait("secret", dotted(namespace), AGENTS)["data"] == before
    installed.kubectl("delete", "secret", dotted(namespace), "-n", AGENTS)
    after = objects.wait("secret", dotted(namespace), AGENTS)["data"]
    assert after != before
    bundle = b64decode(after["tls.crt"]).decode()
    objects.wait(
        "keyspacesdatabase", "orders", namespace, until=lambda found: found["status"].get("caBundle") == bundle
    )
    objects.wait("configmap", "keyward-orders-ca", namespace, until=lambda found: found["data"]["ca.crt"] == bundle)


def test_a_foreign_object_of_a_childs_name_is_left_alone(
    operator: RunningOperator, objects: Objects, namespace: str, installed: ControlPlane
) -> None:
    installed.kubectl("create", "configmap", "keyward-orders-ca", "-n", namespace, "--from-literal=mine=yes")
    objects.apply(database(namespace))
    found = objects.wait(
        "keyspacesdatabase",
        "orders",
        namespace,
        until=lambda found: condition(found, "Ready")["reason"] == "NameTaken",
    )
    assert f"ConfigMap {namespace}/keyward-orders-ca" in condition(found, "Ready")["message"]
    objects.wait("service", "keyward-orders", namespace)
    assert objects.wait("configmap", "keyward-orders-ca", namespace)["data"] == {"mine": "yes"}
    installed.kubectl("delete", "keyspacesdatabase", "orders", "-n", namespace)
    assert objects.wait("configmap", "keyward-orders-ca", namespace)["data"] == {"mine": "yes"}
    objects.wait_gone("service", "keyward-orders", namespace)


def test_what_the_platform_does_not_permit_gets_no_agent(
    operator: RunningOperator, objects: Objects, namespace: str, installed: ControlPlane
) -> None:
    objects.apply(database(namespace, endpoint={"type": "Custom", "address": "rogue.example"}))
    found = objects.wait(
        "keyspacesdatabase",
        "orders",
        namespace,
        until=lambda found: condition(found, "Ready")["reason"] == "NotPermitted",
    )
    assert "endpointTypes" in condition(found, "Ready")["message"]
    assert found["status"]["identity"]["externalID"].endswith(f"/{namespace}/orders")
    assert [child for child in children(namespace) if objects.get(*child)] == []
    installed.kubectl("label", "namespace", namespace, "custom=yes")
    objects.wait("deployment", short(namespace), AGENTS)
    installed.kubectl("label", "namespace", namespace, "custom-")
    objects.wait_gone("deployment", short(namespace), AGENTS)
    assert objects.wait("keyspacespolicy", dotted(namespace), AGENTS)["spec"]["grants"] == []


def test_a_changed_role_or_user_reaches_the_policy(
    operator: RunningOperator, objects: Objects, namespace: str, installed: ControlPlane
) -> None:
    settle(objects, namespace)
    objects.apply(role(namespace, keyspaces=("orders", "stock")))
    objects.wait(
        "keyspacespolicy",
        dotted(namespace),
        AGENTS,
        until=lambda found: found["spec"]["grants"][0]["allow"][0]["keyspaces"] == ["orders", "stock"],
    )
    installed.kubectl("delete", "keyspacesuser", "app", "-n", namespace)
    objects.wait("keyspacespolicy", dotted(namespace), AGENTS, until=lambda found: not found["spec"]["grants"])


def test_a_lock_reaches_the_policy_and_its_end_too(
    operator: RunningOperator, objects: Objects, namespace: str, installed: ControlPlane
) -> None:
    settle(objects, namespace)
    objects.apply(lock(namespace, target={"role": "reader"}, message="an incident"))
    policy = objects.wait(
        "keyspacespolicy", dotted(namespace), AGENTS, until=lambda found: found["spec"].get("locks"), what="the lock"
    )
    assert policy["spec"]["locks"] == [{"name": "incident", "message": "an incident", "users": ["app"]}]
    installed.kubectl("delete", "keyspaceslock", "incident", "-n", namespace)
    objects.wait("keyspacespolicy", dotted(namespace), AGENTS, until=lambda found: not found["spec"].get("locks"))


def test_agents_reports_become_conditions_and_those_of_the_dead_are_dropped(
    operator: RunningOperator, objects: Objects, namespace: str, installed: ControlPlane
) -> None:
    settle(objects, namespace)
    selector = f"{names.LABEL_OWNER_NAMESPACE}={namespace}"

    def pods() -> list[str]:
        listed = installed.kubectl("get", "pods", "-n", AGENTS, "-l", selector, "-o", "name").split()
        return [line.removeprefix("pod/") for line in listed]

    eventually(lambda: len(pods()) == 2, what="the Deployment's controller made two pods")
    refused = {"dbUser": DB_USER, "assumable": False, "reason": "AccessDenied: not authorized"}
    for pod in (pods()[0], "killed"):
        objects.report(
            dotted(namespace),
            pod=pod,
            ready=False,
            identity="arn:aws:sts::111122223333:assumed-role/eks-node/i-1",
            endpoint={"reachable": False, "reason": "no route to host"},
            roles=[refused],
        )
    found = objects.wait(
        "keyspacesdatabase",
        "orders",
        namespace,
        until=lambda found: condition(found, "RolesAssumable")["status"] == "False",
    )
    assert "not authorized" in condition(found, "RolesAssumable")["message"]
    assert condition(found, "EndpointReachable")["reason"] == "Unreachable"
    assert "no route to host" in condition(found, "EndpointReachable")["message"]
    assert condition(found, "IdentityVerified")["reason"] == "IdentityMismatch"
    assert ROLE_ARN in condition(found, "IdentityVerified")["message"]
    objects.wait(
        "keyspacespolicy",
        dotted(namespace),
        AGENTS,
        until=lambda policy: [report["pod"] for report in policy["status"]["agents"]] == [pods()[0]],
    )


def test_roles_and_users_say_where_they_count_and_what_they_miss(
    operator: RunningOperator, objects: Objects, namespace: str
) -> None:
    settle(objects, namespace)
    found = objects.wait(
        "keyspacesuser", "app", namespace, until=lambda user: user.get("status", {}).get("grants") == 1
    )
    assert found["status"]["databases"] == ["orders"]
    assert condition(found, "Ready")["status"] == "True"
    objects.apply(user(namespace, "other", ("reader", "writer")))
    other = objects.wait("keyspacesuser", "other", namespace, until=lambda user: "status" in user)
    assert condition(other, "Ready")["reason"] == "RoleNotFound"
    held = objects.wait(
        "keyspacesrole", "reader", namespace, until=lambda role: role["status"]["users"] == ["app", "other"]
    )
    assert held["status"]["databases"] == ["orders"]


def test_each_transition_is_told_once(
    operator: RunningOperator, objects: Objects, namespace: str, installed: ControlPlane
) -> None:
    settle(objects, namespace)
    operator.settle()
    listed = json.loads(installed.kubectl("get", "events.events.k8s.io", "-n", namespace, "-o", "json"))["items"]
    told = [(event["regarding"]["kind"], event["action"], event["reason"], event["type"]) for event in listed]
    assert len(told) == len(set(told)), "nothing twice"
    assert ("KeyspacesUser", "PolicyCompiled", "Compiled", "Normal") in told
    assert ("KeyspacesRole", "PolicyCompiled", "Compiled", "Normal") in told
    assert sorted(rest for kind, *rest in told if kind == "KeyspacesDatabase") == [
        ["AgentAvailable", "Unavailable", "Warning"],
        ["CertificateAuthorityReady", "Issued", "Normal"],
        ["Permitted", "Permitted", "Normal"],
        ["PolicyCompiled", "Compiled", "Normal"],
    ]
    described = installed.kubectl("describe", "keyspacesdatabase", "orders", "-n", namespace)
    assert "keyward.dev/operator" in described.split("Events:")[1]


def test_a_deleted_database_takes_its_children_with_it(
    operator: RunningOperator, objects: Objects, namespace: str, installed: ControlPlane
) -> None:
    settle(objects, namespace)
    installed.kubectl("delete", "keyspacesdatabase", "orders", "-n", namespace, "--timeout=30s")
    assert [child for child in children(namespace) if objects.get(*child)] == []


def test_orphans_of_a_lost_finalizer_are_removed(
    operator: RunningOperator, objects: Objects, namespace: str, installed: ControlPlane
) -> None:
    settle(objects, namespace)
    live = objects.wait("secret", dotted(namespace), AGENTS)
    labels = {**live["metadata"]["labels"], names.LABEL_OWNER_NAME: "gone"}
    orphan = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": f"{namespace}.gone", "namespace": AGENTS, "labels": labels},
    }
    installed.kubectl("create", "-f", "-", stdin=json.dumps(orphan))
    objects.wait_gone("secret", f"{namespace}.gone", AGENTS)
    assert objects.get("secret", dotted(namespace), AGENTS) is not None


def test_a_changed_settings_file_counts_without_a_restart_and_a_broken_one_does_not(
    operator: RunningOperator, objects: Objects, namespace: str
) -> None:
    settle(objects, namespace)
    original = operator.settings.read_text()
    try:
        operator.settings.write_text("agents: {image: ")
        eventually(lambda: operator.metric("keyward_operator_settings_valid") == 0, what="the broken file was seen")
        agents = {**SETTINGS["agents"], "image": "keyward/agent:next"}
        operator.settings.write_text(yaml.safe_dump({**SETTINGS, "agents": agents}))
        objects.wait(
            "deployment",
            short(namespace),
            AGENTS,
            until=lambda live: live["spec"]["template"]["spec"]["containers"][0]["image"] == "keyward/agent:next",
        )
        assert operator.metric("keyward_operator_settings_valid") == 1
    finally:
        operator.settings.write_text(original)


def test_its_log_is_json_and_holds_no_key(operator: RunningOperator, objects: Objects, namespace: str) -> None:
    settle(objects, namespace)
    secret = objects.wait("secret", dotted(namespace), AGENTS)["data"]["tls.key"]
    lines = operator.log.read_text().splitlines()
    assert all(json.loads(line)["message"] for line in lines)
    text = "\n".join(lines)
    assert secret not in text
    assert "PRIVATE KEY" not in text
    token = yaml.safe_load(operator.control_plane.kubeconfig("admin").read_text())["users"][0]["user"]["token"]
    assert token not in text


def test_its_memory_is_small(operator: RunningOperator) -> None:
    assert operator.resident_mebibytes() < 130


def test_help_names_every_flag() -> None:
    shown = subprocess.run(
        ["keyward-operator", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": sysconfig.get_path("scripts")},
    ).stdout
    for flag in ("--namespace", "--agent-namespace", "--settings-file", "--health-address", "--log-level"):
        assert flag in shown
