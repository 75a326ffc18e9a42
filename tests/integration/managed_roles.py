"""KeyspacesIAMRoles for tests against local AWS: what is written, what is granted, and what became of it in IAM."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from keyward_api import names
from keyward_api.compiler import compile_policy
from keyward_api.iam_roles.operator_policy import Realm, operator_policy
from keyward_api.resources.database import KeyspacesDatabase
from keyward_api.resources.policy import KeyspacesPolicySpec
from keyward_api.tenants import PlatformSettings
from keyward_operator.clients.iam_api import IamApi
from keyward_operator.clients.iam_errors import IamUnavailableError
from keyward_operator.plan.iam_role.plan import IamRolePlan, plan
from keyward_operator.reconcile.iam_executor import IamExecutor
from keyward_operator.reconcile.iam_role import observe_iam_role
from local.aws.client import REGION
from tests.integration.local_services import ACCOUNT, LocalAws

LABELS = {"kubernetes.io/metadata.name": "payments"}
CLUSTER = "blue"
OPERATOR = "keyward-operator"
AGENT = f"arn:aws:iam::{ACCOUNT}:role/team-agents"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/keyward-boundary"
READ_ONLY = "AmazonKeyspacesReadOnlyAccess"
READ_ONLY_ARN = f"arn:aws:iam::aws:policy/{READ_ONLY}"
FULL_ARN = "arn:aws:iam::aws:policy/AmazonKeyspacesFullAccess"
PERMISSION = {"keyspaces": ["shop"], "tables": ["*"], "permissions": ["Select"]}
DEADLINE = 30.0

SETTINGS = PlatformSettings.model_validate(
    {
        "agents": {"image": "x"},
        "clusterName": CLUSTER,
        "tenants": [{"iam": {"mode": "Manage", "permissionsBoundary": BOUNDARY, "managedPolicies": [READ_ONLY]}}],
    }
)
VERIFYING = PlatformSettings.model_validate({"agents": {"image": "x"}, "tenants": [{"iam": {"mode": "Verify"}}]})

Json = dict[str, Any]


def compiled(role_name: str) -> KeyspacesPolicySpec:
    """The policy of a database whose only user reads the keyspace `shop` as this role."""
    rule = {
        "databases": {"names": ["*"]},
        "dbUsers": [role_name],
        "keyspaces": ["shop"],
        "tables": ["*"],
        "permissions": ["Select"],
    }
    subject = {"kind": "ServiceAccount", "name": "web", "namespace": "payments"}
    metadata = {"name": "orders", "namespace": "payments", "uid": "u-1"}
    spec = {"aws": {"accountID": ACCOUNT, "region": REGION}, "agent": {"identity": {"roleARN": AGENT}}}
    return compile_policy(
        database=KeyspacesDatabase.model_validate({"metadata": metadata, "spec": spec}),
        roles=[{"metadata": {"name": "reader", "namespace": "payments"}, "spec": {"allow": [rule]}}],
        users=[
            {
                "metadata": {"name": "web", "namespace": "payments"},
                "spec": {"subjects": [subject], "roles": ["reader"]},
            }
        ],
        locks=[],
        iam_roles=[],
        iam_paths={},
        agent_role_arn=AGENT,
        cluster_uid="cluster-uid",
        service_address="10.0.0.7",
        now=datetime.now(UTC),
    ).spec


def grant(aws: LocalAws, settings: PlatformSettings) -> None:
    """Give the operator exactly the rights that `print-iam` prints for these settings."""
    document = operator_policy(settings.tenants, Realm(partition="aws", account_id=ACCOUNT, cluster=CLUSTER))
    aws.iam.put_role_policy(RoleName=OPERATOR, PolicyName="print-iam", PolicyDocument=json.dumps(document))


@dataclass
class Object:
    """A KeyspacesIAMRole with the reconciler's steps around it; the API server is a dictionary."""

    api: IamApi
    document: Json
    settings: PlatformSettings = SETTINGS
    policies: tuple[KeyspacesPolicySpec, ...] = ()
    events: list[str] = field(default_factory=list)

    @property
    def role_name(self) -> str:
        name: str = self.document["spec"]["roleName"]
        return name

    @property
    def ready(self) -> Json:
        return self.condition("Ready")

    def condition(self, kind: str) -> Json:
        conditions = self.document["status"]["conditions"]
        return next(condition for condition in conditions if condition["type"] == kind)

    def delete(self, policy: str) -> None:
        self.document["spec"]["deletionPolicy"] = policy
        self.document["metadata"]["deletionTimestamp"] = "2026-11-23T11:59:00Z"

    async def reconcile(self) -> IamRolePlan:
        """Observe, plan, carry out, tell: once."""
        executor = IamExecutor(self.api)
        observed = await observe_iam_role(
            executor,
            document=self.document,
            namespace_labels=LABELS,
            cluster=CLUSTER,
            policies=self.policies or (compiled(self.role_name),),
            settings=self.settings,
        )
        steps = plan(observed, settings=self.settings, now=datetime.now(UTC))
        calls = steps.calls
        finalizers = steps.finalizers
        if finalizers is not None and names.IAM_ROLE_FINALIZER in finalizers:
            self.document["metadata"]["finalizers"] = list(finalizers)
        troubles = await executor.carry_out(calls)
        if troubles:
            steps = plan(observed, settings=self.settings, now=datetime.now(UTC), troubles=troubles)
        if steps.status is not None:
            self.document["status"] = steps.status
        self.events += [event.reason for event in steps.events]
        if finalizers is not None and names.IAM_ROLE_FINALIZER not in finalizers:
            self.document["metadata"]["finalizers"] = list(finalizers)
        return replace(steps, calls=calls)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Reconcile until it holds, as a queue with backoff would."""
        deadline = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < deadline, self.document.get("status")
            try:
                await self.reconcile()
            except IamUnavailableError:
                await asyncio.sleep(0.1)

    async def until_ready(self) -> None:
        await self.reconcile()
        await self.until(lambda: self.ready["status"] == "True")

    async def until_released(self) -> None:
        await self.until(lambda: names.IAM_ROLE_FINALIZER not in self.document["metadata"]["finalizers"])


def in_iam(aws: LocalAws, name: str) -> Mapping[str, Any]:
    role: Mapping[str, Any] = aws.iam.get_role(RoleName=name)["Role"]
    return role


def tags(aws: LocalAws, name: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in in_iam(aws, name).get("Tags", ())}


def writes(aws: LocalAws) -> list[str]:
    """Changes that the operator made or tried since the calls were forgotten."""
    found = [call for call in aws.admin.calls() if f"/{OPERATOR}/" in (call["principal"] or "")]
    return [call["action"] for call in found if not call["action"].startswith(("iam:Get", "iam:List", "sts:"))]


def exists(aws: LocalAws, name: str) -> bool:
    try:
        in_iam(aws, name)
    except aws.iam.exceptions.NoSuchEntityException:
        return False
    return True
