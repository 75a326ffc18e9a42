"""Who may write KeyspacesPolicies and status, by the chart's ValidatingAdmissionPolicies on a real API server.

RBAC refuses nobody here what the test is about, so that a refusal is the admission policies'. Agents come with real
tokens, bound to their pods.
"""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from kubernetes.aio.client import Configuration

from keyward_api import names
from keyward_api.resources.policy import AgentReport
from keyward_proxy.feed.status import KubernetesStatusSink
from keyward_proxy.kubernetes_api import KubernetesAPI, KubernetesUnavailable
from tests.integration.operator.conftest import Objects
from tests.integration.operator.control_plane import OPERATOR, ControlPlane, RunningOperator, eventually
from tests.integration.operator.resources import condition, database, role, user

AGENTS = names.AGENTS_NAMESPACE
TENANT = "mallory"
POWERFUL = [f"--as={TENANT}", "--as-group=system:masters"]
"""Whom RBAC refuses nothing, by another name than the operator's."""

APPLY_STATUS = ["apply", "--server-side", "--subresource=status", "-f", "-"]
OWNER_OF_KINDS = [f"--as={TENANT}"]
"""Who may do everything with Keyward's kinds, and with nothing else."""


@pytest.fixture(scope="module", autouse=True)
def enforced(installed: ControlPlane) -> None:
    """Every admission policy is in force, which takes the API server a moment after it has them."""
    rule = ["create", "clusterrole", "owner-of-kinds", "--verb=*", "--resource=*.keyward.dev,*.keyward.dev/status"]
    installed.kubectl(*rule)
    installed.kubectl(
        "create", "clusterrolebinding", "owner-of-kinds", "--clusterrole=owner-of-kinds", f"--user={TENANT}"
    )

    def refused() -> bool:
        said = installed.kubectl("create", "--dry-run=server", "-f", "-", stdin=policy_text("probe"), check=False)
        return "keyward-policies" in said

    eventually(refused, what="the API server enforces admission policies")


@pytest.fixture(scope="module")
def operator(new_operator: Callable[..., RunningOperator]) -> RunningOperator:
    running = new_operator()
    running.start()
    running.wait_until_ready()
    return running


@pytest.fixture
def policy(operator: RunningOperator, objects: Objects, namespace: str) -> str:
    """Name of a policy with two agents, made by the operator under the same admission policies."""
    objects.apply(role(namespace), user(namespace), database(namespace))
    unavailable = lambda found: condition(found, "AgentAvailable")["reason"] == "Unavailable"  # noqa: E731
    objects.wait("keyspacesdatabase", "orders", namespace, until=unavailable)
    return names.dotted_child_name(namespace=namespace, name="orders")


@pytest.fixture
def pods(policy: str, installed: ControlPlane) -> list[str]:
    """The agents' pods."""
    owner = f"{names.LABEL_OWNER_NAMESPACE}={policy.split('.')[0]}"

    def two() -> list[str]:
        listed = installed.kubectl("get", "pods", "-n", AGENTS, "-l", owner, "-o", "name").split()
        return [line.removeprefix("pod/") for line in listed] if len(listed) == 2 else []

    found = eventually(two, what="the Deployment's controller made two pods")
    assert isinstance(found, list)
    return found


def policy_text(name: str) -> str:
    aws = {"accountID": "111122223333", "region": "us-east-1", "partition": "aws"}
    endpoint = {"address": "a.example", "port": 9142, "serverName": "a.example"}
    about = {"namespace": "n", "name": "d", "uid": "u", "clusterUID": "c", "externalID": "e", "audience": "a"}
    arn = "arn:aws:iam::111122223333:role/r"
    spec = {"revision": "r", "database": {**aws, **about, "endpoint": endpoint, "agentRoleARN": arn}}
    metadata = {"name": name, "namespace": AGENTS}
    return json.dumps({"apiVersion": names.API_VERSION, "kind": "KeyspacesPolicy", "metadata": metadata, "spec": spec})


def status_text(name: str, *agents: dict[str, Any]) -> str:
    metadata = {"name": name, "namespace": AGENTS}
    status = {"agents": list(agents)} if agents else {}
    return json.dumps(
        {"apiVersion": names.API_VERSION, "kind": "KeyspacesPolicy", "metadata": metadata, "status": status}
    )


def token(control_plane: ControlPlane, account: str, pod: str | None) -> str:
    bound = [] if pod is None else ["--bound-object-kind=Pod", f"--bound-object-name={pod}"]
    return control_plane.kubectl("create", "token", account, "-n", AGENTS, *bound).strip()


@pytest.fixture
async def sinks(policy: str, pods: list[str], installed: ControlPlane) -> AsyncIterator[list[KubernetesStatusSink]]:
    """What each agent reports by: its own code, with the token that its pod has."""
    apis = []
    for pod in pods:
        configuration = Configuration(
            host=f"https://127.0.0.1:{installed.port}",
            api_key={"authorization": f"Bearer {token(installed, policy, pod)}"},
        )
        configuration.ssl_ca_cert = str(installed.folder / "certificates/apiserver.crt")
        apis.append(KubernetesAPI(configuration))
    yield [
        KubernetesStatusSink(api, namespace=AGENTS, name=policy, pod=pod) for api, pod in zip(apis, pods, strict=True)
    ]
    for api in apis:
        await api.close()


def entries(objects: Objects, policy: str) -> dict[str, bool]:
    found = objects.wait("keyspacespolicy", policy, AGENTS)
    return {agent["pod"]: agent["ready"] for agent in found.get("status", {}).get("agents", [])}


async def test_agents_write_and_take_away_their_own_entries(
    sinks: list[KubernetesStatusSink], pods: list[str], policy: str, objects: Objects
) -> None:
    for sink, pod in zip(sinks, pods, strict=True):
        await sink.apply(AgentReport(pod=pod))
    await sinks[0].apply(AgentReport(pod=pods[0], ready=True))
    assert entries(objects, policy) == {pods[0]: True, pods[1]: False}
    await sinks[0].apply(None)
    assert entries(objects, policy) == {pods[1]: False}


async def test_an_agent_does_not_report_on_another(
    sinks: list[KubernetesStatusSink], pods: list[str], policy: str, objects: Objects
) -> None:
    await sinks[1].apply(AgentReport(pod=pods[1]))
    for pod in (pods[1], "invented"):
        with pytest.raises(KubernetesUnavailable) as refused:
            await sinks[0].apply(AgentReport(pod=pod, ready=True))
        assert refused.value.status == 403
    assert entries(objects, policy) == {pods[1]: False}


async def test_an_agent_does_not_take_anothers_entry_away(
    sinks: list[KubernetesStatusSink], pods: list[str], policy: str, objects: Objects, installed: ControlPlane
) -> None:
    for sink, pod in zip(sinks, pods, strict=True):
        await sink.apply(AgentReport(pod=pod))
    # An entry is taken away by applying none in the name of the field manager that applied it.
    in_its_name = [f"--field-manager=keyward-agent-{pods[1]}", f"--token={token(installed, policy, pods[0])}"]
    said = installed.kubectl(*APPLY_STATUS, *in_its_name, stdin=status_text(policy), check=False)
    assert f"an agent reports on its own pod only, here '{pods[0]}'" in said
    assert entries(objects, policy) == {pods[0]: False, pods[1]: False}


def test_a_token_that_is_bound_to_no_pod_reports_nothing(policy: str, pods: list[str], installed: ControlPlane) -> None:
    unbound = f"--token={token(installed, policy, None)}"
    said = installed.kubectl(*APPLY_STATUS, unbound, stdin=status_text(policy, {"pod": pods[0]}), check=False)
    assert "this one names none" in said


def test_an_agent_of_another_database_reports_nothing_here(
    policy: str, pods: list[str], installed: ControlPlane
) -> None:
    pod = f"--as-user-extra=authentication.kubernetes.io/pod-name={pods[0]}"
    other = [f"--as=system:serviceaccount:{AGENTS}:others.orders", "--as-group=system:masters", pod]
    said = installed.kubectl(*APPLY_STATUS, *other, stdin=status_text(policy, {"pod": pods[0]}), check=False)
    assert f"as ServiceAccount {policy} of namespace {AGENTS}" in said


def test_reports_of_the_dead_are_dropped_by_the_operator(
    policy: str, pods: list[str], objects: Objects, namespace: str
) -> None:
    for pod in (pods[0], "killed"):
        objects.report(policy, pod=pod, ready=False)
    eventually(lambda: entries(objects, policy).keys() == {pods[0]}, what="the operator dropped the dead one's entry")


def test_a_full_status_is_judged_within_the_api_servers_limits(
    policy: str, pods: list[str], objects: Objects, installed: ControlPlane
) -> None:
    roles = [{"dbUser": f"role-{number}", "assumable": False, "reason": "r" * 100} for number in range(30)]
    agents = [{"pod": f"pod-{number}", "roles": roles} for number in range(199)]
    installed.kubectl(*APPLY_STATUS, f"--as={OPERATOR}", stdin=status_text(policy, *agents))
    objects.report(policy, pod=pods[0], ready=True)


def test_nobody_else_writes_a_policy(policy: str, installed: ControlPlane) -> None:
    patch = ["patch", "keyspacespolicy", policy, "-n", AGENTS, "--type=merge", "-p"]
    for who in (POWERFUL, OWNER_OF_KINDS):
        for command in (
            ["create", "-f", "-"],
            [*patch, '{"spec": {"revision": "mine"}}'],
            [*patch, '{"status": {"agents": [{"pod": "a"}]}}', "--subresource=status"],
        ):
            said = installed.kubectl(*command, *who, stdin=policy_text("invented"), check=False)
            assert f"'{TENANT}' may not write" in said, (command, who)


def test_only_an_administrator_of_everything_may_clear_policies_away(
    policy: str, objects: Objects, installed: ControlPlane
) -> None:
    uid = objects.wait("keyspacespolicy", policy, AGENTS)["metadata"]["uid"]
    delete = ["delete", "keyspacespolicy", policy, "-n", AGENTS]
    said = installed.kubectl(*delete, *OWNER_OF_KINDS, check=False)
    assert "change the KeyspacesDatabase, KeyspacesRoles and KeyspacesUsers" in said
    installed.kubectl("annotate", "keyspacespolicy", policy, "-n", AGENTS, "note=kept", *POWERFUL)
    installed.kubectl(*delete, *POWERFUL)
    made_anew = lambda found: found["metadata"]["uid"] != uid  # noqa: E731
    objects.wait("keyspacespolicy", policy, AGENTS, until=made_anew)


def test_a_namespace_goes_with_the_policies_in_it(installed: ControlPlane) -> None:
    installed.kubectl("create", "namespace", "other-agents")
    text = policy_text("left").replace(AGENTS, "other-agents")
    installed.kubectl("create", "-f", "-", f"--as={OPERATOR}", "--as-group=system:masters", stdin=text)
    installed.kubectl("delete", "namespace", "other-agents", "--timeout=60s")


def test_the_garbage_collector_ends_a_foreground_deletion(installed: ControlPlane) -> None:
    collector = "--as=system:serviceaccount:kube-system:generic-garbage-collector"
    installed.kubectl("create", "-f", "-", f"--as={OPERATOR}", "--as-group=system:masters", stdin=policy_text("left"))
    place = ["keyspacespolicy", "left", "-n", AGENTS]
    installed.kubectl("delete", *place, "--cascade=foreground", "--wait=false", *POWERFUL)
    finalizers = installed.kubectl("get", *place, "-o", "jsonpath={.metadata.finalizers}")
    assert "foregroundDeletion" in finalizers
    installed.kubectl("patch", *place, "--type=merge", "-p", '{"metadata": {"finalizers": null}}', collector)
    assert "NotFound" in installed.kubectl("get", *place, check=False)


def test_nobody_else_writes_the_status_of_a_database(policy: str, namespace: str, installed: ControlPlane) -> None:
    patch = ["patch", "keyspacesdatabase", "orders", "-n", namespace, "--type=merge", "-p"]
    for who in (POWERFUL, OWNER_OF_KINDS):
        said = installed.kubectl(
            *patch, '{"status": {"address": "evil.example:9142"}}', "--subresource=status", *who, check=False
        )
        assert f"'{TENANT}' may not write status" in said, who
        installed.kubectl(*patch, '{"metadata": {"labels": {"a": "b"}}}', *who)


def test_the_api_server_finds_no_fault_in_the_expressions(
    installed: ControlPlane, chart_objects: list[dict[str, Any]]
) -> None:
    declared = {d["metadata"]["name"] for d in chart_objects if d["kind"] == "ValidatingAdmissionPolicy"}

    def checked() -> dict[str, Any]:
        listed = json.loads(installed.kubectl("get", "validatingadmissionpolicies", "-o", "json"))["items"]
        found = {item["metadata"]["name"]: item.get("status", {}) for item in listed}
        return found if all("typeChecking" in status for status in found.values()) else {}

    found = eventually(checked, what="the controller checked all types")
    assert found == {name: {"observedGeneration": 1, "typeChecking": {}} for name in declared}
