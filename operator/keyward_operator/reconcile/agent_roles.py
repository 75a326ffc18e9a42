"""Agents' own IAM roles, where the operator is to make them: each observed, planned and carried out."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from keyward_api import names
from keyward_api.names import FieldManager
from keyward_api.resources.policy import KeyspacesPolicySpec
from keyward_api.tenants import PlatformSettings
from keyward_operator.children import Child, Owner, references
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.journal import Journal
from keyward_operator.json_types import Json
from keyward_operator.keys import AgentRoleKey, DatabaseKey, IAMRolesKey, Key
from keyward_operator.kinds import Reference
from keyward_operator.plan.agent_role.observed import Observed
from keyward_operator.plan.agent_role.plan import plan
from keyward_operator.plan.agent_role.role import AgentRole
from keyward_operator.plan.agent_role.view import is_concerned, view_of
from keyward_operator.plan.finalizers import finalizers_of
from keyward_operator.plan.observed import Cluster
from keyward_operator.plan.result import AGAIN
from keyward_operator.plan.standings import Standing, standing
from keyward_operator.plan.view import published_policy
from keyward_operator.queue.work_queue import Inlet
from keyward_operator.reconcile.events import EventRecorder
from keyward_operator.reconcile.iam_applier import IamApplier
from keyward_operator.reconcile.iam_executor import IamExecutor
from keyward_operator.reconcile.observe import database_reference, namespace_labels
from keyward_operator.scope import Scope


class AgentRoleReconciler:
    """Reconciles them; several may run side by side for different databases."""

    def __init__(
        self,
        api: KubernetesApi,
        executor: IamExecutor,
        queue: Inlet[Key],
        scope: Scope,
        *,
        cluster: Cluster,
        settings: Callable[[], PlatformSettings],
        recorder: EventRecorder,
        journal: Journal,
    ) -> None:
        self._api = api.acting_as(FieldManager.AGENT_ROLE)
        self._executor = executor
        self._applier = IamApplier(
            self._api, executor, finalizer=names.AGENT_ROLE_FINALIZER, recorder=recorder, journal=journal
        )
        self._queue = queue
        self._scope = scope
        self._cluster = cluster
        self._settings = settings
        self._journal = journal

    async def reconcile(self, key: AgentRoleKey) -> float | None:
        """Make the role in IAM match; seconds after which to look again, or None.

        Raises ApiError, IamUnavailableError.
        """
        reference = database_reference(DatabaseKey(key.namespace, key.name))
        document = await self._api.get(reference)
        if document is None or not is_concerned(document):
            return None
        if _is_new(document):
            return AGAIN
        settings, now = self._settings(), datetime.now(UTC)
        observed = await self._observe(document, settings, now)
        steps = await self._applier.apply(
            key,
            reference,
            document,
            lambda troubles: plan(observed, settings=settings, now=now, troubles=troubles),
        )
        if steps.status is not None:
            # Roles that are to trust the agents' wait until there is one.
            self._journal.heard(IAMRolesKey(key.namespace), f"the {key} changed")
            self._queue.add(IAMRolesKey(key.namespace))
        return steps.requeue_after

    async def _observe(self, document: Json, settings: PlatformSettings, now: datetime) -> Observed:
        metadata = document["metadata"]
        children = references(
            namespace=metadata["namespace"], name=metadata["name"], agents_namespace=self._scope.agents_namespace
        )
        observed = Observed(
            database=document,
            cluster=self._cluster,
            namespace_labels=await namespace_labels(self._api, metadata["namespace"]),
            agents_namespace=self._scope.agents_namespace,
            service_account=children[Child.SERVICE_ACCOUNT].name,
            policy=await self._policy(document, children[Child.POLICY]),
        )
        view = view_of(observed, settings=settings, troubles=(), now=now)
        return await self._ask(observed, view.agent) if view.agent and view.is_asked else observed

    async def _ask(self, observed: Observed, agent: AgentRole) -> Observed:
        reading = await self._executor.read(role_name=agent.name, account_id=agent.account.account_id, documents=False)
        asks = reading.unreadable is None and bool(agent.issuer)
        provider_exists = asks and await self._executor.provider_exists(agent.provider_arn)
        return replace(
            observed,
            account=reading.account,
            role=reading.role,
            unreadable=reading.unreadable,
            provider_exists=provider_exists,
        )

    async def _policy(self, document: Json, reference: Reference) -> KeyspacesPolicySpec | None:
        metadata = document["metadata"]
        owner = Owner(namespace=metadata["namespace"], name=metadata["name"], uid=metadata["uid"])
        policy = await self._api.get(reference)
        return published_policy(policy) if standing(policy, owner) is Standing.OWN else None


def _is_new(database: Json) -> bool:
    """Whether nobody has begun to work on it: two who give it their finalizers at once are in each other's way."""
    return "deletionTimestamp" not in database["metadata"] and names.FINALIZER not in finalizers_of(database)
