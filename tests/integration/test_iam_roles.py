"""IAM roles kept in step against local AWS, by an operator whose own role has exactly the policy of `print-iam`."""

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from keyward_api import names
from keyward_api.tenants import PlatformSettings
from keyward_operator.clients.iam_api import IamApi
from keyward_operator.clients.iam_errors import IamUnavailableError
from keyward_operator.iam.ownership import Ownership
from keyward_operator.iam.role_state import Account
from keyward_operator.plan.agent_role.role import AgentRole, keep, let_go
from keyward_operator.reconcile.iam_executor import IamExecutor
from local.aws.client import Credentials
from tests.integration import iam_accounts
from tests.integration.local_services import ACCOUNT, LocalAws, allow, policy
from tests.integration.managed_roles import (
    AGENT,
    BOUNDARY,
    CLUSTER,
    FULL_ARN,
    OPERATOR,
    PERMISSION,
    READ_ONLY,
    READ_ONLY_ARN,
    SETTINGS,
    VERIFYING,
    Object,
    exists,
    grant,
    in_iam,
    tags,
    writes,
)

OWN_ISSUER = "https://own-role.example"
"""Of a cluster that no other test tells IAM of."""


@pytest.fixture(scope="module")
def account(local_aws: LocalAws) -> Iterator[LocalAws]:
    """The account as a platform team would set it up."""
    iam_accounts.set_up(local_aws, boundary=BOUNDARY.rpartition("/")[2], roles=("team-agents", OPERATOR))
    grant(local_aws, SETTINGS)
    yield local_aws
    local_aws.admin.set_faults()


@pytest.fixture(scope="module")
def identity(account: LocalAws) -> Credentials:
    """A session of the operator's own role."""
    return iam_accounts.session_of(account, OPERATOR)


@pytest.fixture
async def api(account: LocalAws, identity: Credentials, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[IamApi]:
    for name, value in iam_accounts.environment(account, identity).items():
        monkeypatch.setenv(name, value)
    account.admin.set_faults()
    async with IamApi() as made:
        yield made


Make = Callable[..., Object]


@pytest.fixture
def make(api: IamApi, request: pytest.FixtureRequest) -> Make:
    """A KeyspacesIAMRole for a role named after the test."""
    name = re.sub(r"[^a-z0-9_]", "", request.node.name)[-60:]

    def made(settings: PlatformSettings = SETTINGS, **spec: Any) -> Object:
        body = {"roleName": name, "accountID": ACCOUNT, "management": "Manage"} | spec
        metadata = {"name": "reader", "namespace": "payments", "uid": f"uid-{name}", "generation": 1, "finalizers": []}
        return Object(api=api, document={"metadata": metadata, "spec": body}, settings=settings)

    return made


async def test_a_role_is_made_used_and_left_alone(account: LocalAws, make: Make) -> None:
    managed = make(permissions=[PERMISSION], managedPolicies=[READ_ONLY], tags={"team": "a"}, maxSessionSeconds=7200)
    await managed.until_ready()
    role = in_iam(account, managed.role_name)
    assert role["Path"] == "/keyward/blue/payments/"
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == BOUNDARY
    assert role["MaxSessionDuration"] == 7200
    assert tags(account, managed.role_name)["team"] == "a"
    assert managed.document["status"]["arn"] == role["Arn"]
    assert managed.events.count("IAMRoleCreated") == 1
    account.admin.clear_calls()
    steps = await managed.reconcile()
    assert (steps.calls, steps.requeue_after) == ((), None)
    assert writes(account) == []


async def test_what_drifted_is_repaired(account: LocalAws, make: Make) -> None:
    managed = make(permissions=[PERMISSION])
    await managed.until_ready()
    name, iam = managed.role_name, account.iam
    before = in_iam(account, name)
    iam.delete_role_permissions_boundary(RoleName=name)
    iam.delete_role_policy(RoleName=name, PolicyName=names.INLINE_POLICY)
    iam.attach_role_policy(RoleName=name, PolicyArn=READ_ONLY_ARN)
    iam.update_role(RoleName=name, Description="mine", MaxSessionDuration=43200)
    anybody = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=policy(anybody))
    await managed.reconcile()
    await managed.until_ready()
    after = in_iam(account, name)
    for part in ("AssumeRolePolicyDocument", "MaxSessionDuration", "Description", "PermissionsBoundary"):
        assert after[part] == before[part]
    assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == [names.INLINE_POLICY]


async def test_an_agents_role_that_was_made_anew_is_trusted_again(account: LocalAws, make: Make) -> None:
    managed = make()
    await managed.until_ready()
    iam = account.iam
    trust = iam.get_role(RoleName="team-agents")["Role"]["AssumeRolePolicyDocument"]
    iam.delete_role(RoleName="team-agents")
    assert "AROA" in json.dumps(in_iam(account, managed.role_name)["AssumeRolePolicyDocument"])
    await managed.reconcile()
    assert managed.condition("TrustReady")["reason"] == "AgentRoleNotFound"
    assert AGENT in managed.condition("TrustReady")["message"]
    iam.create_role(RoleName="team-agents", AssumeRolePolicyDocument=json.dumps(trust))
    await managed.until_ready()
    document = json.dumps(in_iam(account, managed.role_name)["AssumeRolePolicyDocument"])
    assert AGENT in document
    assert "AROA" not in document


async def test_a_role_that_lost_its_tags_is_left_alone_until_it_is_handed_back(account: LocalAws, make: Make) -> None:
    managed = make()
    await managed.until_ready()
    name = managed.role_name
    own = tags(account, name)
    account.iam.untag_role(RoleName=name, TagKeys=list(own))
    account.iam.delete_role_policy(RoleName=name, PolicyName=names.INLINE_POLICY)
    account.admin.clear_calls()
    await managed.reconcile()
    assert managed.ready["reason"] == "OwnershipLost"
    assert writes(account) == []
    account.iam.tag_role(RoleName=name, Tags=[{"Key": key, "Value": value} for key, value in own.items()])
    await managed.until_ready()
    assert account.iam.list_role_policies(RoleName=name)["PolicyNames"] == [names.INLINE_POLICY]


@pytest.mark.parametrize("path", ["/", "/keyward/blue/payments/"])
async def test_a_name_that_is_taken_stays_its_owners(account: LocalAws, make: Make, path: str) -> None:
    managed = make()
    trust = policy({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"})
    others = {**dict.fromkeys((names.TAG_NAME, names.TAG_NAMESPACE, names.TAG_UID), "x"), names.TAG_CLUSTER: CLUSTER}
    given = [{"Key": key, "Value": value} for key, value in others.items()]
    account.iam.create_role(RoleName=managed.role_name, Path=path, AssumeRolePolicyDocument=trust, Tags=given)
    before = in_iam(account, managed.role_name)
    account.admin.clear_calls()
    for _ in range(2):
        await managed.reconcile()
    assert managed.ready["reason"] == "NameTaken"
    assert before["Arn"] in managed.ready["message"]
    managed.delete("Delete")
    await managed.until_released()
    assert writes(account) == []
    assert in_iam(account, managed.role_name) == before


async def test_a_deletion_waits_for_policies_of_others(account: LocalAws, make: Make) -> None:
    managed = make(managedPolicies=[READ_ONLY])
    await managed.until_ready()
    name = managed.role_name
    account.iam.attach_role_policy(RoleName=name, PolicyArn=FULL_ARN)
    account.iam.put_role_policy(RoleName=name, PolicyName="theirs", PolicyDocument=policy(allow("a:b", "*")))
    await managed.reconcile()
    assert managed.condition("PermissionsReady")["reason"] == "ForeignPolicies"
    managed.delete("Delete")
    await managed.reconcile()
    assert managed.ready["reason"] == "DeletionBlocked"
    assert FULL_ARN in managed.ready["message"]
    assert "'theirs'" in managed.ready["message"]
    assert managed.document["metadata"]["finalizers"] == [names.IAM_ROLE_FINALIZER]
    assert "DeletionBlocked" in managed.events
    assert exists(account, name)
    account.iam.detach_role_policy(RoleName=name, PolicyArn=FULL_ARN)
    account.iam.delete_role_policy(RoleName=name, PolicyName="theirs")
    await managed.until_released()
    assert not exists(account, name)


async def test_a_retained_role_is_nobodys(account: LocalAws, make: Make) -> None:
    managed = make(permissions=[PERMISSION], tags={"team": "a"})
    await managed.until_ready()
    before = in_iam(account, managed.role_name)
    managed.delete("Retain")
    await managed.until_released()
    after = in_iam(account, managed.role_name)
    assert after["AssumeRolePolicyDocument"] == before["AssumeRolePolicyDocument"]
    assert tags(account, managed.role_name) == {"team": "a"}
    again = make(permissions=[PERMISSION])
    await again.reconcile()
    assert again.condition("Exists")["reason"] == "OwnershipLost"


async def test_throttling_delays_and_changes_nothing_else(account: LocalAws, make: Make) -> None:
    managed = make(permissions=[PERMISSION], managedPolicies=[READ_ONLY])
    account.admin.set_faults(("iam:*", "Throttling", 7), ("iam:PutRolePolicy", "ConcurrentModification", 2))
    with pytest.raises(IamUnavailableError, match="Rate exceeded"):
        await managed.reconcile()
    await managed.until(lambda: "status" in managed.document and managed.ready["status"] == "True")
    assert account.iam.list_role_policies(RoleName=managed.role_name)["PolicyNames"] == [names.INLINE_POLICY]


async def test_a_role_that_iam_does_not_show_yet_is_no_clash(account: LocalAws, make: Make) -> None:
    managed = make(permissions=[PERMISSION])
    account.admin.set_faults(visibility_delay_seconds=1.5)
    await managed.reconcile()
    steps = await managed.reconcile()
    exists_condition = managed.condition("Exists")
    assert (exists_condition["status"], exists_condition["reason"]) == ("Unknown", "Pending")
    assert "EntityAlreadyExists" in exists_condition["message"]
    assert steps.requeue_after == 2
    await managed.until_ready()
    assert "NameTaken" not in managed.events


async def test_adopted_a_role_is_read_and_told_what_it_lacks(account: LocalAws, make: Make) -> None:
    grant(account, VERIFYING)
    try:
        adopted = make(VERIFYING, management="Adopt")
        await adopted.reconcile()
        assert adopted.ready["reason"] == "IAMRoleNotFound"
        name, iam = adopted.role_name, account.iam
        required = adopted.document["status"]["trustPolicy"]
        nobody = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:TagSession"}
        iam.create_role(RoleName=name, Path="/data/", AssumeRolePolicyDocument=policy(nobody))
        await adopted.reconcile()
        assert adopted.ready["reason"] == "TrustIncomplete"
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=adopted.ready["message"].partition(" lacks ")[2])
        await adopted.reconcile()
        assert adopted.condition("TrustReady")["status"] == "True"
        assert adopted.ready["reason"] == "PermissionsIncomplete"
        missing = adopted.ready["message"].partition(" lack ")[2]
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=missing)
        await adopted.reconcile()
        assert adopted.ready["status"] == "True"
        iam.delete_role_policy(RoleName=name, PolicyName="own")
        iam.attach_role_policy(RoleName=name, PolicyArn=READ_ONLY_ARN)
        iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=BOUNDARY)
        await adopted.reconcile()
        assert adopted.ready["status"] == "True"
        assert json.loads(required) == in_iam(account, name)["AssumeRolePolicyDocument"]
        account.admin.clear_calls()
        managed = make(VERIFYING)
        await managed.reconcile()
        assert managed.ready["reason"] == "NotPermitted"
        assert writes(account) == []
    finally:
        grant(account, SETTINGS)


async def test_nothing_is_asked_of_iam_where_the_platform_says_so(account: LocalAws, make: Make) -> None:
    account.admin.clear_calls()
    adopted = make(PlatformSettings.model_validate({"agents": {"image": "x"}}), management="Adopt")
    await adopted.reconcile()
    assert (adopted.ready["status"], adopted.ready["reason"]) == ("True", "NotVerified")
    assert account.admin.calls() == []


async def test_rights_that_the_operator_lacks_are_told(account: LocalAws, make: Make) -> None:
    grant(account, VERIFYING)
    try:
        managed = make()
        await managed.reconcile()
        assert (managed.ready["status"], managed.ready["reason"]) == ("False", "AccessDenied")
        assert "iam:CreateRole" in managed.ready["message"]
    finally:
        grant(account, SETTINGS)
    account.iam.delete_role_policy(RoleName=OPERATOR, PolicyName="print-iam")
    try:
        await managed.reconcile()
        assert (managed.ready["status"], managed.ready["reason"]) == ("Unknown", "AccessDenied")
        assert "iam:GetRole" in managed.ready["message"]
    finally:
        grant(account, SETTINGS)
    await managed.until_ready()


def test_what_the_printed_policy_keeps_from_the_operator(account: LocalAws, identity: Credentials) -> None:
    """Even an operator in somebody else's hands stays in its bounds: IAM refuses each of these."""
    admin, iam = account.iam, account.client("iam", identity)
    trust = policy({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"})
    cluster = [{"Key": names.TAG_CLUSTER, "Value": CLUSTER}]
    ours = {"Path": "/keyward/blue/payments/", "PermissionsBoundary": BOUNDARY, "Tags": cluster}
    admin.create_role(RoleName="prey", Path="/admin/", AssumeRolePolicyDocument=trust, Tags=cluster)
    admin.create_role(RoleName="untagged", AssumeRolePolicyDocument=trust, **{**ours, "Tags": []})
    admin.create_role(RoleName="unbound", AssumeRolePolicyDocument=trust, Path=ours["Path"], Tags=cluster)
    admin.create_role(RoleName="green", AssumeRolePolicyDocument=trust, **{**ours, "Path": "/keyward/green/x/"})
    admin.create_role(RoleName="held", AssumeRolePolicyDocument=trust, **ours)
    rights = policy(allow("cassandra:Select", "*"))
    inline = {"PolicyName": names.INLINE_POLICY, "PolicyDocument": rights}

    def create(**changes: Any) -> Callable[[], Any]:
        parameters = {"RoleName": "new", "AssumeRolePolicyDocument": trust, **ours, **changes}
        kept = {key: value for key, value in parameters.items() if value is not None}
        return lambda: iam.create_role(**kept)

    refused: dict[str, Callable[[], Any]] = {
        "a role outside the path": create(Path="/"),
        "a role on another cluster's path": create(Path="/keyward/green/payments/"),
        "a role without boundary": create(PermissionsBoundary=None),
        "a role with another boundary": create(PermissionsBoundary=FULL_ARN),
        "a role without the cluster's tag": create(Tags=None),
        "a role of another cluster": create(Tags=[{"Key": names.TAG_CLUSTER, "Value": "green"}]),
        "removing a boundary": lambda: iam.delete_role_permissions_boundary(RoleName="held"),
        "changing a boundary": lambda: iam.put_role_permissions_boundary(RoleName="held", PermissionsBoundary=FULL_ARN),
        "attaching what is not listed": lambda: iam.attach_role_policy(RoleName="held", PolicyArn=FULL_ARN),
        "rights for a role without boundary": lambda: iam.put_role_policy(RoleName="unbound", **inline),
        "attaching to a role without boundary": lambda: iam.attach_role_policy(
            RoleName="unbound", PolicyArn=READ_ONLY_ARN
        ),
        "its own rights": lambda: iam.put_role_policy(RoleName=OPERATOR, **inline),
        "its own trust": lambda: iam.update_assume_role_policy(RoleName=OPERATOR, PolicyDocument=trust),
        "another policy's contents": lambda: iam.create_policy_version(
            PolicyArn=BOUNDARY, PolicyDocument=rights, SetAsDefault=True
        ),
        "a user": lambda: iam.create_user(UserName="mallory"),
        "tagging a foreign role": lambda: iam.tag_role(RoleName="prey", Tags=cluster),
    }
    for name in ("prey", "untagged", "green"):
        refused |= {
            f"the rights of {name}": lambda name=name: iam.put_role_policy(RoleName=name, **inline),  # type: ignore[misc]
            f"the trust of {name}": lambda name=name: iam.update_assume_role_policy(  # type: ignore[misc]
                RoleName=name, PolicyDocument=trust
            ),
            f"deleting {name}": lambda name=name: iam.delete_role(RoleName=name),  # type: ignore[misc]
        }
    for what, call in refused.items():
        with pytest.raises(ClientError) as caught:
            call()
        assert caught.value.response["Error"]["Code"] == "AccessDenied", what
    iam.put_role_policy(RoleName="held", **inline)
    iam.attach_role_policy(RoleName="held", PolicyArn=READ_ONLY_ARN)


async def test_the_agents_own_role_is_kept_and_used_by_its_pod_alone(account: LocalAws, api: IamApi) -> None:
    agent = AgentRole(
        database=Ownership(cluster=CLUSTER, namespace="payments", name="ledger", uid="uid-ledger"),
        account=Account(partition="aws", account_id=ACCOUNT),
        iam=SETTINGS.tenants[0].iam,
        issuer=OWN_ISSUER,
        service_account="payments.ledger",
        agents_namespace=names.AGENTS_NAMESPACE,
    )
    executor = IamExecutor(api)

    async def step(*assumes: str) -> str:
        role = await api.role(agent.name, documents=False)
        provider = await api.provider_exists(agent.provider_arn)
        steps = keep(agent, role, assumes=assumes, provider_exists=provider)
        assert await executor.carry_out(steps.calls) == ()
        return steps.verdict.reason

    reader, writer = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("Reader", "Writer"))
    assert [await step(reader) for _ in range(3)] == ["Pending", "Pending", "NoAWSIdentity"]
    iam_accounts.register(account, OWN_ISSUER)
    assert await step(reader) == "Trusted"
    assert [await step(reader, writer) for _ in range(2)] == ["Pending", "Trusted"]
    inline = account.iam.get_role_policy(RoleName=agent.name, PolicyName=names.INLINE_POLICY)["PolicyDocument"]
    assert inline["Statement"][0]["Resource"] == [reader, writer]
    trust = in_iam(account, agent.name)["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]["StringEquals"]
    assert f"system:serviceaccount:{names.AGENTS_NAMESPACE}:payments.ledger" in trust.values()
    removal = let_go(agent, await api.role(agent.name, documents=False))
    assert await executor.carry_out(removal.calls) == ()
    assert not exists(account, agent.name)
