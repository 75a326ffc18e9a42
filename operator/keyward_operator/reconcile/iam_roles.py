"""KeyspacesIAMRoles: one observed, planned and carried out; and all of a namespace, where that may concern them."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime

from keyward_api import names
from keyward_api.names import FieldManager
from keyward_api.resources.policy import KeyspacesPolicySpec
from keyward_api.tenants import PlatformSettings
from keyward_operator import kinds
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.journal import Journal
from keyward_operator.json_types import Json
from keyward_operator.keys import AgentRoleKey, IAMRoleKey, IAMRolesKey, Key
from keyward_operator.kinds import Reference
from keyward_operator.plan.agent_role.view import is_concerned
from keyward_operator.plan.describe import describe_iam_role
from keyward_operator.plan.iam_role.conditions import verdicts
from keyward_operator.plan.iam_role.observed import Observed
from keyward_operator.plan.iam_role.plan import plan
from keyward_operator.plan.iam_role.view import view_of
from keyward_operator.plan.observed import Cluster
from keyward_operator.plan.view import published_policy
from keyward_operator.queue.work_queue import Inlet
from keyward_operator.reconcile.events import EventRecorder
from keyward_operator.reconcile.iam_applier import IamApplier
from keyward_operator.reconcile.iam_executor import IamExecutor
from keyward_operator.reconcile.iam_role import observe_iam_role
from keyward_operator.reconcile.observe import namespace_labels, namespace_selector
from keyward_operator.scope import Scope


class IAMRoleReconciler:
    """Reconciles KeyspacesIAMRoles; several may run side by side for different ones."""

    def __init__(
        self,
        api: KubernetesApi,
        executor: IamExecutor,
        scope: Scope,
        *,
        cluster: Cluster,
        settings: Callable[[], PlatformSettings],
        recorder: EventRecorder,
        journal: Journal,
    ) -> None:
        self._api = api.acting_as(FieldManager.IAM_ROLE)
        self._executor = executor
        self._applier = IamApplier(
            self._api, executor, finalizer=names.IAM_ROLE_FINALIZER, recorder=recorder, journal=journal
        )
        self._scope = scope
        self._cluster = cluster
        self._settings = settings

    async def reconcile(self, key: IAMRoleKey) -> float | None:
        """Make the role in IAM match; seconds after which to look again, or None.

        Raises ApiError, IamUnavailableError.
        """
        reference = _reference(key)
        document = await self._api.get(reference)
        if document is None:
            return None
        settings, now = self._settings(), datetime.now(UTC)
        observed = await self._observe(document, settings)
        steps = await self._applier.apply(
            key,
            reference,
            document,
            lambda troubles: plan(observed, settings=settings, now=now, troubles=troubles),
        )
        return steps.requeue_after

    async def preview(self, key: IAMRoleKey) -> Json | None:
        """What the checks say now and what is still to be done, without doing it; None where there is no such object.

        Raises ApiError, IamUnavailableError.
        """
        document = await self._api.get(_reference(key))
        if document is None:
            return None
        settings, now = self._settings(), datetime.now(UTC)
        observed = await self._observe(document, settings)
        view = view_of(observed, settings=settings, troubles=(), now=now)
        return {
            "conditions": {name: asdict(verdict) for name, verdict in verdicts(view).items()},
            "pending": describe_iam_role(plan(observed, settings=settings, now=now)),
        }

    async def _observe(self, document: Json, settings: PlatformSettings) -> Observed:
        namespace = document["metadata"]["namespace"]
        return await observe_iam_role(
            self._executor,
            document=document,
            namespace_labels=await namespace_labels(self._api, namespace),
            cluster=self._cluster.name(settings),
            policies=await self._policies(namespace),
            settings=settings,
        )

    async def _policies(self, namespace: str) -> list[KeyspacesPolicySpec]:
        """What agents have now. One that cannot be read opens nothing."""
        listed = await self._api.list_all(
            kinds.KEYSPACES_POLICY,
            namespace=self._scope.agents_namespace,
            label_selector=namespace_selector(namespace),
        )
        return [spec for policy in listed if (spec := published_policy(policy)) is not None]


def _reference(key: IAMRoleKey) -> Reference:
    return Reference(kind=kinds.KEYSPACES_IAM_ROLE, namespace=key.namespace, name=key.name)


class IAMRolesReconciler:
    """Passes on a change that may concern all IAM roles of a namespace: of its labels, or of what a policy grants."""

    def __init__(self, api: KubernetesApi, queue: Inlet[Key], journal: Journal) -> None:
        self._api = api
        self._queue = queue
        self._journal = journal

    async def reconcile(self, key: IAMRolesKey) -> None:
        """Add the key of each role. Raises ApiError."""
        roles = await self._api.list_metadata(kinds.KEYSPACES_IAM_ROLE, namespace=key.namespace, label_selector="")
        databases = await self._api.list_all(kinds.KEYSPACES_DATABASE, namespace=key.namespace)
        found: list[Key] = [IAMRoleKey(key.namespace, role["metadata"]["name"]) for role in roles]
        found += [AgentRoleKey(key.namespace, d["metadata"]["name"]) for d in databases if is_concerned(d)]
        for role_key in found:
            self._journal.heard(role_key, f"labels or grants of namespace {key.namespace} changed")
            self._queue.add(role_key)
