"""The operator dies between calls to IAM, and the next one makes of the roles there what the first would have made.

Against the strict local AWS, with exactly the rights that `print-iam` prints.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from keyward_api import names
from keyward_api.iam_roles.operator_policy import Realm, operator_policy
from keyward_api.names import Reason
from keyward_api.tenants import PlatformSettings
from keyward_operator import kinds
from keyward_operator.children import Child
from keyward_operator.clients.connection import Connection
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.keys import AgentRoleKey, IAMRoleKey
from keyward_operator.plan.iam_role.plan import AGAIN
from local.aws.client import Credentials
from tests.integration import iam_accounts
from tests.integration.local_services import ACCOUNT, LocalAws, policy
from tests.integration.managed_roles import READ_ONLY, READ_ONLY_ARN, in_iam, tags
from tests.integration.operator import resources
from tests.integration.operator.control_plane import ISSUER
from tests.integration.operator.convergence.death import Death, DiedError, Server, When
from tests.integration.operator.convergence.in_process import LOOKS, Operator
from tests.integration.operator.convergence.mortal_iam import MortalIam
from tests.integration.operator.convergence.world import World
from tests.integration.operator.installation import SETTINGS
from tests.integration.operator.resources import condition

CLUSTER = "mortal"
OPERATOR = "mortal-operator"
BOUNDARY = "mortal-boundary"
BOUNDARY_ARN = f"arn:aws:iam::{ACCOUNT}:policy/{BOUNDARY}"
TENANT = {"iam": {"mode": "Manage", "permissionsBoundary": BOUNDARY_ARN, "managedPolicies": [READ_ONLY]}}
MANAGING = {**SETTINGS, "clusterName": CLUSTER, "tenants": [TENANT]}
MANAGED = {"identity": {"management": "Manage", "roleARN": None}}
ADOPTED = {"identity": {"management": "Adopt", "roleARN": resources.ROLE_ARN}}
PERMISSION = {"keyspaces": ["orders"], "tables": ["*"], "permissions": ["Select"]}

MANY = 1000
"""More calls than a step takes."""

Json = dict[str, Any]

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def account(local_aws: LocalAws) -> LocalAws:
    """The account as a platform team would set it up."""
    iam_accounts.set_up(local_aws, boundary=BOUNDARY, roles=(OPERATOR,))
    iam_accounts.register(local_aws, ISSUER)
    tenants = PlatformSettings.model_validate(MANAGING).tenants
    printed = operator_policy(tenants, Realm(partition="aws", account_id=ACCOUNT, cluster=CLUSTER))
    local_aws.iam.put_role_policy(RoleName=OPERATOR, PolicyName="print-iam", PolicyDocument=json.dumps(printed))
    return local_aws


@pytest.fixture(scope="module")
def identity(account: LocalAws) -> Credentials:
    """A session of the operator's own role."""
    return iam_accounts.session_of(account, OPERATOR)


@pytest.fixture
async def iam(account: LocalAws, identity: Credentials, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MortalIam]:
    for name, value in iam_accounts.environment(account, identity).items():
        monkeypatch.setenv(name, value)
    async with MortalIam() as made:
        yield made


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A tenant's namespace, the account in which its roles are, and operators with their rights."""

    world: World
    aws: LocalAws
    connection: Connection
    iam: MortalIam

    @property
    def reader(self) -> str:
        """The name of the IAM role that grants name."""
        return f"{self.world.namespace}-reader"

    @property
    def agents(self) -> str:
        """The name of the agents' own role."""
        return names.agent_role_name(cluster=CLUSTER, namespace=self.world.namespace, database="one")

    def operator(self, death: Death | None = None) -> Operator:
        """A fresh one."""
        return Operator(self.connection, self.world.namespace, death, iam=self.iam, settings=MANAGING)

    async def put_role(self, **spec: Any) -> None:
        """Make or change the KeyspacesIAMRole."""
        spec = {"management": "Manage", "deletionPolicy": "Delete", **spec}
        await self.world.put(resources.iam_role(self.world.namespace, self.reader, **spec), kinds.KEYSPACES_IAM_ROLE)

    async def put_database(self, agent: Json) -> None:
        """Make or change the database."""
        await self.world.put(resources.database(self.world.namespace, "one", agent=agent), kinds.KEYSPACES_DATABASE)


async def made(scene: Scene) -> None:
    """Both roles are wanted."""
    permissions = {"permissions": [PERMISSION], "managedPolicies": [READ_ONLY], "tags": {"team": "a"}}
    await scene.put_role(**permissions, maxSessionSeconds=7200)
    await scene.put_database(MANAGED)


async def changed(scene: Scene) -> None:
    """Other rights, tags and limits are wanted; somebody took trust, boundary and rights away."""
    wider = {**PERMISSION, "permissions": ["Select", "Modify"]}
    await scene.put_role(
        permissions=[wider], managedPolicies=[], tags={"team": "b", "cost": "1"}, maxSessionSeconds=3600
    )
    nobody = policy({"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"})
    scene.aws.iam.update_assume_role_policy(RoleName=scene.reader, PolicyDocument=nobody)
    scene.aws.iam.delete_role_permissions_boundary(RoleName=scene.reader)
    scene.aws.iam.delete_role_policy(RoleName=scene.agents, PolicyName=names.INLINE_POLICY)


async def gone(scene: Scene) -> None:
    """None of the roles is wanted any more."""
    await scene.world.delete(kinds.KEYSPACES_IAM_ROLE, "reader")
    await scene.put_database(ADOPTED)


async def released(scene: Scene) -> None:
    """The role that grants name is no more to be the operator's."""
    await scene.put_role(deletionPolicy="Retain")
    await scene.world.delete(kinds.KEYSPACES_IAM_ROLE, "reader")


Step = Callable[[Scene], Awaitable[None]]
STEPS: tuple[Step, ...] = (made, changed, gone)
"""The last one leads to where the first one begins."""


async def test_after_whichever_call_it_dies_the_next_one_converges(
    people: KubernetesApi, own: Connection, account: LocalAws, iam: MortalIam
) -> None:
    scene = Scene(world=World(people, "iam-deaths"), aws=account, connection=own, iam=iam)
    await _begin(scene)
    lives = [_after(MANY) for _ in STEPS]
    wanted = [await _converged(scene, step, life) for step, life in zip(STEPS, lives, strict=True)]
    _check(scene, wanted)
    calls = [MANY - life.writes_left for life in lives]
    assert min(calls) >= 4, "each role is worked on in several calls"
    for number in range(max(calls)):
        for step, found, last in zip(STEPS, wanted, calls, strict=True):
            death = _after(number)
            assert await _converged(scene, step, death) == found, f"{step.__name__}, died after call {number + 1}"
            assert death.came == (number < last)


async def test_what_is_asked_for_twice_is_done_once(
    people: KubernetesApi, own: Connection, account: LocalAws, iam: MortalIam
) -> None:
    """boto3 asks again where no answer came, and IAM may have done it: then the role exists, or is gone already."""
    scene = Scene(world=World(people, "iam-answers-lost"), aws=account, connection=own, iam=iam)
    await _begin(scene)
    iam.sends_twice = True
    _check(scene, [await _converged(scene, step) for step in STEPS])
    await _converged(scene, made)
    (left,) = (await _converged(scene, released))["roles"].keys() - {scene.agents}
    assert tags(account, left) == {"team": "a"}
    warnings = {event["reason"] for event in await scene.world.list(kinds.EVENT) if event["type"] == "Warning"}
    troubles = {Reason.NAME_TAKEN, Reason.OWNERSHIP_LOST, Reason.ACCESS_DENIED, Reason.DELETION_BLOCKED}
    assert warnings.isdisjoint(troubles), "nothing is told of that nobody has to see to"


async def _begin(scene: Scene) -> None:
    """A user who reads as every IAM role of the namespace."""
    world = scene.world
    await world.make_namespace()
    await world.put(resources.role(world.namespace, db_users=("*",)), kinds.KEYSPACES_ROLE)
    await world.put(resources.user(world.namespace), kinds.KEYSPACES_USER)
    await scene.put_database(ADOPTED)
    async with scene.operator() as operator:
        await operator.settle()


def _after(calls: int) -> Death:
    """A death once IAM did one call more than these; nothing is told of that one."""
    return Death(writes_left=calls, when=When.NOT_ANSWERED, only=Server.IAM)


async def _converged(scene: Scene, step: Step, death: Death | None = None) -> Json:
    """What is found after a step; an operator works on the roles and may die, and another one comes."""
    await step(scene)
    async with scene.operator(death) as mortal:
        with contextlib.suppress(DiedError):
            await mortal.look_at_access()  # IAM roles follow from policies
            await mortal.settle(IAMRoleKey(scene.world.namespace, "reader"), AgentRoleKey(scene.world.namespace, "one"))
    async with scene.operator() as fresh:
        await fresh.look()
        for _ in range(LOOKS):
            soon = [key for key, delay in fresh.delays.items() if delay <= AGAIN]
            if soon:
                await fresh.look_at(*soon)
    return await _found(scene)


async def _found(scene: Scene) -> Json:
    """All roles of the namespace in IAM, what people wrote and are told, and what agents are."""
    owners = [
        *await scene.world.list(kinds.KEYSPACES_IAM_ROLE),
        *await scene.world.list(kinds.KEYSPACES_DATABASE),
    ]
    uids = {owner["metadata"]["uid"]: owner["metadata"]["name"] for owner in owners}
    listed = scene.aws.iam.list_roles(PathPrefix=f"/keyward/{CLUSTER}/{scene.world.namespace}/")["Roles"]
    roles = {role["RoleName"]: _role(scene.aws, role["RoleName"], uids) for role in listed}
    policy = await scene.world.child("one", Child.POLICY)
    grants = policy["spec"]["grants"] if policy else None
    return {"roles": roles, "people": await scene.world.people(), "grants": grants}


def _role(aws: LocalAws, name: str, uids: Json) -> Json:
    """A role, but for what is another whenever it is made; of its tags the uid is that of the object in `uids`."""
    role, own = in_iam(aws, name), tags(aws, name)
    inline = aws.iam.list_role_policies(RoleName=name)["PolicyNames"]
    attached = aws.iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    return {
        "tags": own | {names.TAG_UID: uids.get(own.get(names.TAG_UID, ""), "nobody's")},
        "inline": {
            policy: aws.iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"] for policy in inline
        },
        "attached": [policy["PolicyArn"] for policy in attached],
        **{key: role[key] for key in ("Description", "MaxSessionDuration", "PermissionsBoundary")},
        "arn": role["Arn"],
        "trust": role["AssumeRolePolicyDocument"],
    }


def _check(scene: Scene, wanted: list[Json]) -> None:
    """What comes of the steps where nobody dies."""
    first, second, last = wanted
    namespace = scene.world.namespace
    own = {names.TAG_CLUSTER: CLUSTER, names.TAG_NAMESPACE: namespace}
    for found in (first, second):
        assert found["roles"].keys() == {scene.reader, scene.agents}
        reader, agents = found["roles"][scene.reader], found["roles"][scene.agents]
        assert agents["tags"] == {**own, names.TAG_NAME: "one", names.TAG_UID: "one"}
        assert agents["arn"] in json.dumps(reader["trust"])
        assert reader["arn"] in json.dumps(agents["inline"])
        assert "sts:AssumeRoleWithWebIdentity" in json.dumps(agents["trust"])
        assert {role["PermissionsBoundary"]["PermissionsBoundaryArn"] for role in (reader, agents)} == {BOUNDARY_ARN}
        assert [grant["roleARN"] for grant in found["grants"]] == [reader["arn"]]
        told = {each["kind"]: each for each in found["people"]}
        assert condition(told["KeyspacesIAMRole"], "Ready")["status"] == "True"
        assert condition(told["KeyspacesDatabase"], "AgentRoleReady")["status"] == "True"
        assert names.AGENT_ROLE_FINALIZER in told["KeyspacesDatabase"]["metadata"]["finalizers"]
    before, after = (found["roles"][scene.reader] for found in (first, second))
    own |= {names.TAG_NAME: "reader", names.TAG_UID: "reader"}
    assert before["tags"] == {**own, "team": "a"}
    assert after["tags"] == {**own, "team": "b", "cost": "1"}
    assert (before["attached"], after["attached"]) == ([READ_ONLY_ARN], [])
    assert "cassandra:Modify" in json.dumps(after["inline"])
    assert "cassandra:Modify" not in json.dumps(before["inline"])
    assert (before["MaxSessionDuration"], after["MaxSessionDuration"]) == (7200, 3600)
    assert last["roles"] == {}
    told = {each["kind"]: each for each in last["people"]}
    assert "KeyspacesIAMRole" not in told
    assert names.AGENT_ROLE_FINALIZER not in told["KeyspacesDatabase"]["metadata"]["finalizers"]
