"""IAM roles that carry this cluster's tags and whose objects are gone without their finalizers.

They are told of and left alone. That an object is not in this cluster is no proof that nobody has a use for its role:
another cluster of the same name may share the account, and a backup may bring the object back.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from keyward_api import names
from keyward_api.tenants import PlatformSettings
from keyward_operator import kinds, metrics
from keyward_operator.clients.iam_api import IamApi
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.iam.ownership import Ownership
from keyward_operator.journal import Journal
from keyward_operator.json_types import Json
from keyward_operator.keys import StrayRolesKey
from keyward_operator.kinds import Kind
from keyward_operator.plan.observed import Cluster
from keyward_operator.scope import Scope


@dataclass(frozen=True, kw_only=True, slots=True)
class _Objects:
    """What roles may belong to."""

    uids: frozenset[str]
    role_names: frozenset[str]
    """Of whose roles the objects' own conditions tell."""


class StrayRolesReconciler:
    """Looks for them."""

    def __init__(
        self,
        api: KubernetesApi,
        iam: IamApi,
        scope: Scope,
        *,
        cluster: Cluster,
        settings: Callable[[], PlatformSettings],
        journal: Journal,
    ) -> None:
        self._api = api
        self._iam = iam
        self._scope = scope
        self._cluster = cluster
        self._settings = settings
        self._journal = journal
        self._told: frozenset[str] = frozenset()

    async def reconcile(self, key: StrayRolesKey) -> None:
        """Count them, and tell of those that were not told of yet. Raises ApiError, IamError."""
        settings = self._settings()
        cluster = self._cluster.name(settings)
        paths = {f"{tenant.iam.path}{cluster}/" for tenant in settings.tenants if tenant.iam.mode == "Manage"}
        listed = [name for path in sorted(paths) for name in await self._iam.role_names(path)]
        # After the roles: one whose object was made before it, and is not in these lists, has lost it.
        objects = await self._objects(cluster)
        strays = await self._strays([name for name in listed if name not in objects.role_names], cluster, objects)
        metrics.STRAY_IAM_ROLES.set(len(strays))
        for name in sorted(strays.keys() - self._told):
            self._journal.did(key, _message(name, strays[name]))
        self._told = frozenset(strays)

    async def _strays(self, candidates: list[str], cluster: str, objects: _Objects) -> Mapping[str, Ownership]:
        found = {name: _owner(tags) for name in candidates if (tags := await self._iam.role_tags(name)) is not None}
        return {
            name: owner
            for name, owner in found.items()
            if owner is not None
            and owner.cluster == cluster
            and owner.uid not in objects.uids
            and self._scope.holds(owner.namespace)
        }

    async def _objects(self, cluster: str) -> _Objects:
        roles = await self._all(kinds.KEYSPACES_IAM_ROLE)
        databases = await self._all(kinds.KEYSPACES_DATABASE)
        named = [role["spec"].get("roleName", "") for role in roles]
        named += [
            names.agent_role_name(cluster=cluster, namespace=metadata["namespace"], database=metadata["name"])
            for metadata in (database["metadata"] for database in databases)
        ]
        uids = frozenset(document["metadata"]["uid"] for document in (*roles, *databases))
        return _Objects(uids=uids, role_names=frozenset(named))

    async def _all(self, kind: Kind) -> list[Json]:
        lists = [await self._api.list_all(kind, namespace=where) for where in self._scope.where(kind)]
        return [document for documents in lists for document in documents]


def _owner(tags: Mapping[str, str]) -> Ownership | None:
    keys = (names.TAG_CLUSTER, names.TAG_NAMESPACE, names.TAG_NAME, names.TAG_UID)
    if any(key not in tags for key in keys):
        return None
    cluster, namespace, name, uid = (tags[key] for key in keys)
    return Ownership(cluster=cluster, namespace=namespace, name=name, uid=uid)


def _message(name: str, owner: Ownership) -> str:
    return (
        f"IAM role {name} was made for {owner.namespace}/{owner.name} (uid {owner.uid}), which is gone, and is left "
        f"alone: delete it, or take the operator's tags off by `aws iam untag-role --role-name {name} --tag-keys "
        f"{' '.join(sorted(owner.tags))}`"
    )
