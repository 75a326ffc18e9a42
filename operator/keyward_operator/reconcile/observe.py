"""Reads what a plan is made from. Complete lists, or an error: a policy is never compiled from a part.

The policy is read before what it is compiled from, and written only while it has that version, so that of two operators
the one that read an older policy is refused. Within one, `publisher.py` says whose word is the last.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus

from keyward_api import names
from keyward_api.tenants import PlatformSettings
from keyward_operator import kinds
from keyward_operator.children import Child, certificate_request, references
from keyward_operator.clients.errors import ApiError
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.errors import OperatorError
from keyward_operator.json_types import Json
from keyward_operator.keys import DatabaseKey
from keyward_operator.kinds import Kind, Reference
from keyward_operator.plan.observed import Cluster, Observed
from keyward_operator.scope import Scope
from keyward_operator.tasks import first_error

_OPENID_CONFIGURATION = "/.well-known/openid-configuration"


async def read_cluster(api: KubernetesApi) -> Cluster:
    """The cluster's uid and issuer. Raises OperatorError where kube-system cannot be read."""
    system = await api.get(Reference(kind=kinds.NAMESPACE, namespace="", name="kube-system"))
    if system is None:
        raise OperatorError("there is no namespace kube-system, whose uid stands for the cluster's identity")
    try:
        issuer = (await api.get_path(_OPENID_CONFIGURATION)).get("issuer", "")
    except ApiError:
        issuer = ""  # some API servers keep it from ServiceAccounts; then status.identity has no agentTrustPolicy
    return Cluster(uid=system["metadata"]["uid"], issuer=issuer)


class Observer:
    """Reads one database's world."""

    def __init__(
        self,
        api: KubernetesApi,
        scope: Scope,
        *,
        cluster: Cluster,
        settings: Callable[[], PlatformSettings],
        replacement_due: Callable[[DatabaseKey], bool],
    ) -> None:
        self._api = api
        self._cluster = cluster
        self._settings = settings
        self._agents_namespace = scope.agents_namespace
        self._replacement_due = replacement_due

    async def observe(self, key: DatabaseKey) -> Observed | None:
        """What is there now; None where the database does not exist."""
        database = await self._api.get(database_reference(key))
        if database is None:
            return None
        policy = await self._api.get(self._references(key)[Child.POLICY])
        with first_error():
            async with asyncio.TaskGroup() as group:
                roles = group.create_task(self._all(kinds.KEYSPACES_ROLE, key.namespace))
                users = group.create_task(self._all(kinds.KEYSPACES_USER, key.namespace))
                locks = group.create_task(self._all(kinds.KEYSPACES_LOCK, key.namespace))
                iam_roles = group.create_task(self._all(kinds.KEYSPACES_IAM_ROLE, key.namespace))
                labels = group.create_task(namespace_labels(self._api, key.namespace))
                children = group.create_task(self._children(key, policy))
                request = group.create_task(self._certificate_request(key))
        certificate_request, issuer_problem = request.result()
        return Observed(
            database=database,
            cluster=self._cluster,
            namespace_labels=labels.result(),
            roles=roles.result(),
            users=users.result(),
            locks=locks.result(),
            iam_roles=iam_roles.result(),
            children=children.result(),
            certificate_request=certificate_request,
            issuer_problem=issuer_problem,
            # After the children: a report in the policy whose pod is not in this list is of a pod that is gone.
            pods=await self._pods(key),
            replacement_due=self._replacement_due(key),
        )

    async def _all(self, kind: Kind, namespace: str) -> tuple[Json, ...]:
        return tuple(await self._api.list_all(kind, namespace=namespace))

    def _references(self, key: DatabaseKey) -> dict[Child, Reference]:
        return references(namespace=key.namespace, name=key.name, agents_namespace=self._agents_namespace)

    async def _children(self, key: DatabaseKey, policy: Json | None) -> dict[Child, Json]:
        wanted = self._references(key)
        del wanted[Child.POLICY]
        with first_error():
            async with asyncio.TaskGroup() as group:
                tasks = {child: group.create_task(self._api.get(reference)) for child, reference in wanted.items()}
        found = {Child.POLICY: policy} | {child: task.result() for child, task in tasks.items()}
        return {child: live for child, live in found.items() if live is not None}

    async def _certificate_request(self, key: DatabaseKey) -> tuple[Json | None, str]:
        """The request to the platform's issuer, if it has one; else why nobody can tell."""
        if self._settings().certificate_authorities.issuer_ref is None:
            return None, ""
        reference = certificate_request(namespace=key.namespace, name=key.name, agents_namespace=self._agents_namespace)
        try:
            return await self._api.get(reference), ""
        except ApiError as error:
            # The kind is missing, or the right: more looks do not mend that, and nothing else shall wait for it.
            if error.status in (HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN):
                return None, str(error)
            raise

    async def _pods(self, key: DatabaseKey) -> tuple[Json, ...]:
        pods = await self._api.list_all(kinds.POD, namespace=self._agents_namespace, label_selector=owner_selector(key))
        return tuple(pods)


async def namespace_labels(api: KubernetesApi, namespace: str) -> dict[str, str]:
    """The labels of a namespace, by which the platform's settings select it; none where it is gone."""
    found = await api.get(Reference(kind=kinds.NAMESPACE, namespace="", name=namespace))
    return dict((found or {"metadata": {}})["metadata"].get("labels") or {})


def database_reference(key: DatabaseKey) -> Reference:
    """The database that a key names."""
    return Reference(kind=kinds.KEYSPACES_DATABASE, namespace=key.namespace, name=key.name)


def namespace_selector(namespace: str) -> str:
    """A label selector for everything that was made for databases of a namespace."""
    return f"{names.LABEL_MANAGED_BY}={names.MANAGED_BY},{names.LABEL_OWNER_NAMESPACE}={namespace}"


def owner_selector(key: DatabaseKey) -> str:
    """A label selector for everything that was made for databases of this name, whatever their uid."""
    return f"{namespace_selector(key.namespace)},{names.LABEL_OWNER_NAME}={key.name}"
