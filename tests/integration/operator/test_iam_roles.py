"""IAM roles kept by the operator as a process: by kubectl on one side, in local AWS on the other.

Its own role has exactly the policy that `keyward-operator print-iam` prints, and local AWS enforces it.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from keyward_api import names
from tests.integration import iam_accounts
from tests.integration.local_services import ACCOUNT, LocalAws, policy
from tests.integration.managed_roles import exists, in_iam, tags
from tests.integration.operator.conftest import Objects
from tests.integration.operator.control_plane import ISSUER, ControlPlane, RunningOperator, eventually
from tests.integration.operator.installation import SETTINGS
from tests.integration.operator.resources import condition, database, iam_role, role, user

pytestmark = pytest.mark.first

AGENTS = names.AGENTS_NAMESPACE
CLUSTER = "red"
OPERATOR = "operator-process"
AGENT_ROLE = "operator-process-agents"
AGENT_ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/{AGENT_ROLE}"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/operator-process-boundary"
FULL_ARN = "arn:aws:iam::aws:policy/AmazonKeyspacesFullAccess"
RESYNC = 2.0
MANAGED = {"identity": {"management": "Manage"}}
ADOPTED = {"identity": {"roleARN": AGENT_ROLE_ARN}}
PERMISSION = {"keyspaces": ["orders"], "tables": ["*"], "permissions": ["Select"]}

Json = dict[str, Any]


def tenant(mode: str) -> Json:
    bound = {"permissionsBoundary": BOUNDARY} if mode == "Manage" else {}
    return {"namespaceSelector": {"matchLabels": {"iam": mode}}, "iam": {"mode": mode, **bound}}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("settings") / "settings.yaml"
    tenants = [{}, tenant("Verify"), tenant("Manage")]
    path.write_text(yaml.safe_dump({**SETTINGS, "clusterName": CLUSTER, "tenants": tenants}))
    return path


@pytest.fixture(scope="module")
def account(local_aws: LocalAws, settings: Path) -> Iterator[LocalAws]:
    """The account as a platform team would set it up."""
    iam_accounts.set_up(local_aws, boundary=BOUNDARY.rpartition("/")[2], roles=(AGENT_ROLE, OPERATOR))
    iam_accounts.register(local_aws, ISSUER)
    command = [sys.executable, "-m", "keyward_operator.main", "print-iam", "--account-id", ACCOUNT]
    printed = subprocess.run([*command, "--settings-file", settings], check=True, capture_output=True, text=True)
    local_aws.iam.put_role_policy(RoleName=OPERATOR, PolicyName="print-iam", PolicyDocument=printed.stdout)
    yield local_aws
    local_aws.admin.set_faults()


@pytest.fixture(scope="module")
def operator(new_operator: Callable[..., RunningOperator], account: LocalAws) -> RunningOperator:
    identity = iam_accounts.session_of(account, OPERATOR)
    environment = iam_accounts.environment(account, identity)
    running = new_operator(resync_seconds=RESYNC, environment=environment)
    running.start()
    running.wait_until_ready()
    return running


@pytest.fixture
def managing(installed: ControlPlane, operator: RunningOperator, namespace: str) -> str:
    """A namespace in which the operator makes roles."""
    installed.kubectl("label", "namespace", namespace, "iam=Manage")
    return namespace


def path(namespace: str) -> str:
    return f"/keyward/{CLUSTER}/{namespace}/"


def inline(aws: LocalAws, name: str) -> list[Json]:
    """Statements of a role's inline policy; none where it has no such policy."""
    try:
        document = aws.iam.get_role_policy(RoleName=name, PolicyName=names.INLINE_POLICY)["PolicyDocument"]
    except aws.iam.exceptions.NoSuchEntityException:
        return []
    statements: list[Json] = document["Statement"]
    return statements


def external_ids(aws: LocalAws, name: str) -> str:
    return json.dumps(in_iam(aws, name)["AssumeRolePolicyDocument"])


def wait_ready(objects: Objects, namespace: str, *, reason: str = "Ready", used: bool = True) -> Json:
    """The KeyspacesIAMRole once it is so; `used`: once a database is known that uses it."""
    return objects.wait(
        "keyspacesiamrole",
        "reader",
        namespace,
        until=lambda found: (
            condition(found, "Ready")["reason"] == reason and (found["status"].get("databases") or not used)
        ),
        what=f"the KeyspacesIAMRole of {namespace} is {reason}",
    )


def told(installed: ControlPlane, namespace: str, kind: str = "KeyspacesIAMRole") -> set[str]:
    listed = json.loads(installed.kubectl("get", "events.events.k8s.io", "-n", namespace, "-o", "json"))["items"]
    return {event["reason"] for event in listed if event["regarding"]["kind"] == kind}


def settle(objects: Objects, namespace: str, **spec: Any) -> str:
    """A database whose only user reads as every IAM role of the namespace, and one that the operator keeps."""
    name = f"{namespace[-40:]}-reader"
    objects.apply(
        role(namespace, db_users=("*",)),
        user(namespace),
        database(namespace, agent=ADOPTED),
        iam_role(namespace, name, management="Manage", permissions=[PERMISSION], **spec),
    )
    wait_ready(objects, namespace)
    return name


def test_an_adopted_role_is_looked_at_and_grants_name_it_with_its_path(
    operator: RunningOperator, account: LocalAws, objects: Objects, namespace: str, installed: ControlPlane
) -> None:
    installed.kubectl("label", "namespace", namespace, "iam=Verify")
    objects.apply(role(namespace, db_users=("adopted-reader",)), user(namespace), database(namespace, agent=ADOPTED))
    objects.apply(iam_role(namespace, "adopted-reader"))
    found = wait_ready(objects, namespace, reason="IAMRoleNotFound")
    trust = found["status"]["trustPolicy"]
    account.iam.create_role(RoleName="adopted-reader", Path="/data/", AssumeRolePolicyDocument=trust)
    found = wait_ready(objects, namespace, reason="PermissionsIncomplete")
    account.iam.put_role_policy(
        RoleName="adopted-reader", PolicyName="own", PolicyDocument=found["status"]["permissionsPolicy"]
    )
    found = wait_ready(objects, namespace)
    arn = f"arn:aws:iam::{ACCOUNT}:role/data/adopted-reader"
    assert found["status"]["arn"] == arn
    assert found["status"]["databases"] == ["orders"]
    assert "finalizers" not in found["metadata"]
    compiled = names.dotted_child_name(namespace=namespace, name="orders")
    objects.wait("keyspacespolicy", compiled, AGENTS, until=lambda live: live["spec"]["grants"][0]["roleARN"] == arn)


def test_a_managed_role_is_made_for_what_is_granted_and_kept(
    account: LocalAws, objects: Objects, managing: str, installed: ControlPlane, operator: RunningOperator
) -> None:
    name = settle(objects, managing)
    made = in_iam(account, name)
    assert made["Path"] == path(managing)
    assert made["PermissionsBoundary"]["PermissionsBoundaryArn"] == BOUNDARY
    assert AGENT_ROLE_ARN in json.dumps(made["AssumeRolePolicyDocument"])
    compiled = names.dotted_child_name(namespace=managing, name="orders")
    granted = objects.wait("keyspacespolicy", compiled, AGENTS)["spec"]["grants"]
    assert [grant["roleARN"] for grant in granted] == [made["Arn"]]
    assert {"IAMRoleCreated", "IAMRoleUpdated"} <= told(installed, managing)
    # Drift is found by a resync: IAM tells nobody.
    account.iam.delete_role_policy(RoleName=name, PolicyName=names.INLINE_POLICY)
    account.iam.update_role(RoleName=name, Description="mine", MaxSessionDuration=3600)
    eventually(lambda: inline(account, name), what="the inline policy is back")
    eventually(lambda: in_iam(account, name)["Description"] != "mine", what="the description is back")
    wait_ready(objects, managing)
    metrics = operator.get("/metrics")[1]
    assert 'keyward_operator_call_seconds_count{operation="create_role",outcome="success",service="iam"}' in metrics


def test_trust_follows_a_new_database_and_rights_follow_the_spec(
    account: LocalAws, objects: Objects, managing: str
) -> None:
    name = settle(objects, managing)
    assert "/stock" not in external_ids(account, name)
    objects.apply(database(managing, "stock", agent=ADOPTED))
    eventually(lambda: f"/{managing}/stock" in external_ids(account, name), what="the second database is trusted")
    wider = {**PERMISSION, "permissions": ["Select", "Modify"]}
    objects.apply(iam_role(managing, name, management="Manage", permissions=[wider]))
    eventually(lambda: "cassandra:Modify" in json.dumps(inline(account, name)), what="the role may write")
    objects.apply(role(managing, db_users=("another",)))
    eventually(lambda: not inline(account, name), what="a role that nobody uses has no rights")
    assert AGENT_ROLE_ARN not in external_ids(account, name)


def test_a_role_goes_by_its_deletion_policy_and_what_is_in_the_way_is_told(
    account: LocalAws, objects: Objects, managing: str, installed: ControlPlane
) -> None:
    name = settle(objects, managing, deletionPolicy="Delete")
    account.iam.attach_role_policy(RoleName=name, PolicyArn=FULL_ARN)
    installed.kubectl("delete", "keyspacesiamrole", "reader", "-n", managing, "--wait=false")
    found = wait_ready(objects, managing, reason="DeletionBlocked", used=False)
    assert FULL_ARN in condition(found, "Ready")["message"]
    assert "DeletionBlocked" in told(installed, managing)
    assert exists(account, name)
    account.iam.detach_role_policy(RoleName=name, PolicyArn=FULL_ARN)
    objects.wait_gone("keyspacesiamrole", "reader", managing)
    assert not exists(account, name)


def test_a_retained_role_is_nobodys(
    account: LocalAws, objects: Objects, managing: str, installed: ControlPlane
) -> None:
    name = settle(objects, managing)
    installed.kubectl("delete", "keyspacesiamrole", "reader", "-n", managing, "--timeout=30s")
    assert tags(account, name) == {}


def test_who_may_not_have_roles_made_gets_none(
    operator: RunningOperator, account: LocalAws, objects: Objects, namespace: str, installed: ControlPlane
) -> None:
    objects.apply(iam_role(namespace, "forbidden", management="Manage"), role(namespace), user(namespace))
    objects.apply(database(namespace, agent=MANAGED))
    found = wait_ready(objects, namespace, reason="NotPermitted", used=False)
    assert "`tenants[].iam.mode`" in condition(found, "Ready")["message"]
    refused = objects.wait(
        "keyspacesdatabase",
        "orders",
        namespace,
        until=lambda live: (
            condition(live, "AgentRoleReady")["reason"] == condition(live, "Permitted")["reason"] == "NotPermitted"
        ),
    )
    assert names.AGENT_ROLE_FINALIZER not in refused["metadata"]["finalizers"]
    assert "finalizers" not in found["metadata"]
    assert not exists(account, "forbidden")
    # Permitted by its labels, without a restart or a resync.
    installed.kubectl("label", "namespace", namespace, "iam=Manage")
    eventually(lambda: exists(account, "forbidden"), what="the role is made once it is permitted")
    objects.wait(
        "keyspacesdatabase",
        "orders",
        namespace,
        until=lambda live: condition(live, "AgentRoleReady")["status"] == "True",
    )


def test_the_agents_own_role_follows_the_grants_and_goes_with_the_database(
    account: LocalAws, objects: Objects, managing: str, installed: ControlPlane, operator: RunningOperator
) -> None:
    reader = f"{managing[-40:]}-reader"
    agent_role = names.agent_role_name(cluster=CLUSTER, namespace=managing, database="orders")
    arn = f"arn:aws:iam::{ACCOUNT}:role{path(managing)}{agent_role}"
    objects.apply(
        role(managing, db_users=("*",)),
        user(managing),
        iam_role(managing, reader, management="Manage", permissions=[PERMISSION]),
        database(managing, agent=MANAGED),
    )
    found = objects.wait(
        "keyspacesdatabase",
        "orders",
        managing,
        until=lambda live: (
            condition(live, "AgentRoleReady")["status"] == condition(live, "PolicyCompiled")["status"] == "True"
        ),
    )
    assert found["status"]["identity"]["roleARN"] == arn
    dotted = names.dotted_child_name(namespace=managing, name="orders")
    annotations = objects.wait("serviceaccount", dotted, AGENTS)["metadata"]["annotations"]
    assert annotations[names.ANNOTATION_IRSA_ROLE] == arn
    made = in_iam(account, agent_role)
    assert made["Arn"] == arn
    trust = made["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]["StringEquals"]
    assert f"system:serviceaccount:{AGENTS}:{dotted}" in trust.values()
    target = f"arn:aws:iam::{ACCOUNT}:role{path(managing)}{reader}"
    eventually(
        lambda: [statement["Resource"] for statement in inline(account, agent_role)] == [target],
        what="agents may assume the granted role and nothing else",
    )
    # The role that grants name waits for the agents' own, and trusts it.
    wait_ready(objects, managing)
    assert arn in external_ids(account, reader)
    writer = f"arn:aws:iam::{ACCOUNT}:role/{managing[-40:]}-writer"
    objects.apply(role(managing, db_users=("*", writer)))
    eventually(lambda: writer in json.dumps(inline(account, agent_role)), what="a new grant reached the agents' role")
    installed.kubectl("delete", "keyspacesuser", "app", "-n", managing)
    eventually(lambda: not inline(account, agent_role), what="nothing is granted, so nothing may be assumed")
    installed.kubectl("delete", "keyspacesdatabase", "orders", "-n", managing, "--timeout=30s")
    assert not exists(account, agent_role)
    assert {"IAMRoleCreated", "IAMRoleDeleted"} <= told(installed, managing, "KeyspacesDatabase")


def test_a_look_at_what_is_settled_writes_nothing(
    account: LocalAws, objects: Objects, managing: str, operator: RunningOperator
) -> None:
    settle(objects, managing)
    objects.apply(database(managing, "ledger", agent=MANAGED), iam_role(managing, "unused", "unused"))
    objects.wait(
        "keyspacesdatabase",
        "ledger",
        managing,
        until=lambda live: condition(live, "AgentRoleReady")["status"] == "True",
    )
    operator.settle()
    assert operator.look_at_everything(3) == 0


def test_what_waits_for_iam_keeps_nothing_else_waiting(
    account: LocalAws, objects: Objects, managing: str, operator: RunningOperator
) -> None:
    name = f"{managing[-40:]}-reader"
    account.admin.set_faults(("iam:*", "Throttling", 100_000))
    try:
        objects.apply(iam_role(managing, name, management="Manage"), database(managing, agent=ADOPTED))
        objects.wait("configmap", "keyward-orders-ca", managing)
        eventually(lambda: "Rate exceeded" in operator.log.read_text(), what="IAM refused for the time being")
    finally:
        account.admin.set_faults()
    eventually(lambda: exists(account, name), what="the role is made once IAM answers")


def test_a_role_whose_object_is_gone_is_told_of_and_left_alone(
    account: LocalAws, objects: Objects, managing: str, operator: RunningOperator
) -> None:
    own = {names.TAG_CLUSTER: CLUSTER, names.TAG_NAMESPACE: managing, names.TAG_NAME: "gone", names.TAG_UID: "u"}
    trust = policy({"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"})
    given = [{"Key": key, "Value": value} for key, value in own.items()]
    account.iam.create_role(RoleName="stray", Path=path(managing), AssumeRolePolicyDocument=trust, Tags=given)
    said = f"IAM role stray was made for {managing}/gone"
    eventually(lambda: said in operator.log.read_text(), what="it is told of")
    strays = operator.metric("keyward_operator_stray_iam_roles")
    assert strays >= 1
    assert tags(account, "stray") == own
    account.iam.delete_role(RoleName="stray")
    eventually(lambda: operator.metric("keyward_operator_stray_iam_roles") == strays - 1, what="it is counted no more")


REFUSED = [
    (iam_role("default", "Reader", tags={"a": "b"}), "may be set for `management` 'Manage' only"),
    (iam_role("default", "Reader", management="Manage", tags={"keyward:uid": "x"}), "must not begin with 'keyward:'"),
    (iam_role("default", "a/b"), "spec.roleName"),
    (database("default", agent={"identity": {}}), "`roleARN` must be set for `management` 'Adopt'"),
    (database("default", agent={"identity": {"management": "Manage", "roleARN": AGENT_ROLE_ARN}}), "and for no other"),
    (role("default", db_users=("Reader*",)), "spec.allow[0].dbUsers[0]"),
]


@pytest.mark.parametrize(("document", "says"), REFUSED)
def test_the_api_server_refuses(installed: ControlPlane, document: Json, says: str) -> None:
    answer = installed.kubectl("create", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump(document), check=False)
    assert says in answer


@pytest.mark.parametrize(
    "document",
    [
        iam_role("default", "Reader"),
        iam_role("default", "Reader", management="Manage", tags={"team": "a"}, deletionPolicy="Delete"),
        database("default", agent=MANAGED),
        role("default", db_users=("*",)),
    ],
)
def test_the_api_server_takes(installed: ControlPlane, document: Json) -> None:
    installed.kubectl("create", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump(document))


def test_what_names_a_role_never_changes(installed: ControlPlane, objects: Objects, namespace: str) -> None:
    objects.apply(iam_role(namespace, "Reader"))
    for field, value in (("roleName", "Other"), ("accountID", "999999999999")):
        changed = iam_role(namespace, "Reader", **{field: value})
        answer = installed.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(changed), check=False)
        assert f"`{field}` is immutable" in answer


def test_what_was_deleted_while_no_operator_ran_is_acted_on_at_its_start(
    account: LocalAws, objects: Objects, managing: str, installed: ControlPlane, operator: RunningOperator
) -> None:
    name = settle(objects, managing, deletionPolicy="Delete")
    operator.kill()
    installed.kubectl("delete", "keyspacesiamrole", "reader", "-n", managing, "--wait=false")
    operator.start()
    eventually(lambda: not exists(account, name), what="the role is deleted", deadline=90)
    objects.wait_gone("keyspacesiamrole", "reader", managing)
