"""One tenant's namespace, what people do in it, and what an operator has made of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from keyward_api import names
from keyward_operator import kinds
from keyward_operator.children import KINDS, Child, Owner, references
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.kinds import Kind, Reference
from keyward_operator.plan.standings import Standing, standing
from keyward_operator.reconcile.observe import read_cluster
from tests.integration.operator.expected import expected_policy

AGENTS = names.AGENTS_NAMESPACE
DATABASES = ("one", "two")
FOREIGN = (Child.CLIENT_SERVICE, Child.CLIENT_CA, Child.CA_SECRET, Child.SERVICE_ACCOUNT, Child.SERVICE, Child.ROLE)
"""Children in whose places other people's objects may be."""

EDITS: dict[Child, dict[str, Any]] = {
    Child.POLICY: {"spec": {"grants": [], "identities": []}},
    Child.DEPLOYMENT: {"spec": {"replicas": 7}},
    Child.SERVICE: {"spec": {"selector": {"evil": "yes"}}},
    Child.CLIENT_SERVICE: {"spec": {"externalName": "evil.example"}},
    Child.CLIENT_CA: {"data": {names.CA_KEY: "evil"}, "immutable": True},
    Child.AWS_ROOTS: {"data": {"roots.pem": "evil"}},
    Child.REPLICAS_SERVICE: {"metadata": {"labels": {names.LABEL_NAME: "evil"}}},
    Child.CA_SECRET: {"data": {"tls.key": "ZXZpbA=="}},
    Child.SERVICE_ACCOUNT: {"metadata": {"annotations": {names.ANNOTATION_IRSA_ROLE: "evil"}}},
    Child.ROLE: {"rules": []},
    Child.ROLE_BINDING: {"subjects": []},
    # A budget has one of the two: to set ours again without a word about the other is refused.
    Child.DISRUPTION_BUDGET: {"spec": {"maxUnavailable": None, "minAvailable": 0}},
    Child.NETWORK_POLICY: {"spec": {"ingress": [{}]}},
}
"""What people must not change about a child, changed."""

_VOLATILE = {
    *("uid", "resourceVersion", "creationTimestamp", "generation", "observedGeneration", "managedFields"),
    *("lastTransitionTime", "clusterIP", "clusterIPs", "serviceAddress", "revision", "policyRevision", "caBundle"),
    *("tls.crt", "tls.key", names.CA_KEY),
    *(names.LABEL_OWNER_UID, names.ANNOTATION_IDENTITY_HASH),
}
"""What is another for each object that is made, or follows from that."""

Json = dict[str, Any]


class World:
    """The namespace; all methods act as the administrator."""

    def __init__(self, api: KubernetesApi, namespace: str) -> None:
        self._api = api
        self.namespace = namespace

    async def make_namespace(self) -> None:
        """Make the namespace itself."""
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
        await self._api.create(manifest, kind=kinds.NAMESPACE)

    async def put(self, manifest: Json, kind: Kind) -> None:
        """Make an object of a person's, or give it another spec and labels."""
        reference = self._reference(kind, manifest["metadata"]["name"])
        if await self._api.get(reference) is None:
            await self._api.create(manifest, kind=kind)
        else:
            labels = manifest["metadata"].get("labels")
            await self._api.merge_patch(reference, {"metadata": {"labels": labels}, "spec": manifest["spec"]})

    async def delete(self, kind: Kind, name: str, *, by_force: bool = False) -> None:
        """Delete an object of a person's, if there is one; `by_force` nothing waits for its finalizers."""
        await self._delete(self._reference(kind, name))
        if by_force and await self._api.get(self._reference(kind, name)) is not None:
            await self._api.merge_patch(self._reference(kind, name), {"metadata": {"finalizers": None}})

    async def take_name(self, database: str, child: Child) -> None:
        """Make an object of other people in a child's place, if it is free."""
        reference = self.references(database)[child]
        if await self._api.get(reference) is None:
            await self._api.create(_foreign(reference), kind=reference.kind)

    async def give_name_back(self, database: str, child: Child) -> None:
        """Remove other people's object from a child's place, if it is there."""
        found = await self._api.get(self.references(database)[child])
        if found is not None and self._is_foreign(database, found):
            await self._delete(self.references(database)[child])

    async def tamper(self, database: str, child: Child, *, delete: bool) -> None:
        """Delete a child, or change what it must be; nothing where there is none."""
        reference = self.references(database)[child]
        found = await self._api.get(reference)
        if found is None or self._is_foreign(database, found):
            return
        if delete:
            await self._delete(reference)
        else:
            await self._api.merge_patch(reference, EDITS[child])

    async def list(self, kind: Kind) -> list[Json]:
        """What people wrote."""
        return await self._api.list_all(kind, namespace=self.namespace)

    async def children(self, database: str) -> dict[Child, Json]:
        """What is in the places of a database's children."""
        found = {child: await self.child(database, child) for child in self.references(database)}
        return {child: live for child, live in found.items() if live is not None}

    async def child(self, database: str, child: Child) -> Json | None:
        """What is in the place of a child of a database's."""
        return await self._api.get(self.references(database)[child])

    async def made(self) -> list[Reference]:
        """Everything that carries the label of what was made for this namespace."""
        selector = f"{names.LABEL_OWNER_NAMESPACE}={self.namespace}"
        return [
            Reference(kind=kind, namespace=found["metadata"]["namespace"], name=found["metadata"]["name"])
            for kind in dict.fromkeys(KINDS.values())
            for found in await self._api.list_metadata(kind, label_selector=selector)
        ]

    async def snapshot(self) -> Json:
        """Everything, but for what is another for each object that is made.

        Without denied databases: what they had while they were served is closed and kept.
        """
        own: Json = {}
        for database in await self.list(kinds.KEYSPACES_DATABASE):
            if _is_denied(database):
                continue
            name = database["metadata"]["name"]
            for child, live in (await self.children(name)).items():
                foreign = self._is_foreign(name, live)
                own[f"{name}: {child}"] = "foreign" if foreign else _lasting({**live, "status": None})
        return {"people": await self.people(), "children": own}

    async def people(self) -> list[Json]:
        """What people wrote, and what it says of itself; see `snapshot`."""
        return [_lasting(each) for kind in kinds.INPUTS for each in await self.list(kind) if not _is_denied(each)]

    async def check(self) -> None:
        """What must be true of every settled world."""
        roles, users = await self.list(kinds.KEYSPACES_ROLE), await self.list(kinds.KEYSPACES_USER)
        locks, iam_roles = await self.list(kinds.KEYSPACES_LOCK), await self.list(kinds.KEYSPACES_IAM_ROLE)
        cluster = await read_cluster(self._api)
        places: set[str] = set()
        for database in await self.list(kinds.KEYSPACES_DATABASE):
            name = database["metadata"]["name"]
            children = await self.children(name)
            own = {child: live for child, live in children.items() if not self._is_foreign(name, live)}
            places |= {str(self.references(name)[child]) for child in own}
            _check_children(database, own)
            if not _is_denied(database) and own.keys() >= {Child.POLICY, Child.SERVICE}:
                service = own[Child.SERVICE]
                lists = {"roles": roles, "users": users, "locks": locks, "iam_roles": iam_roles}
                spec = expected_policy(database, **lists, cluster=cluster, service=service)
                assert own[Child.POLICY]["spec"] == spec
        assert sorted(map(str, await self.made())) == sorted(places), "each child once, and nothing else"

    def references(self, database: str) -> dict[Child, Reference]:
        """The places of a database's children."""
        return references(namespace=self.namespace, name=database, agents_namespace=AGENTS)

    def foreign(self) -> Iterator[tuple[str, Child]]:
        """Places that other people's objects may be in."""
        return ((database, child) for database in DATABASES for child in FOREIGN)

    def _is_foreign(self, database: str, live: Json) -> bool:
        return standing(live, Owner(namespace=self.namespace, name=database, uid="")) is Standing.FOREIGN

    def _reference(self, kind: Kind, name: str) -> Reference:
        return Reference(kind=kind, namespace=self.namespace, name=name)

    async def _delete(self, reference: Reference) -> None:
        found = await self._api.get(reference)
        if found is not None:
            await self._api.delete(reference, uid=found["metadata"]["uid"])


def _is_denied(document: Json) -> bool:
    """Whether it is a database that the platform does not permit, by its status."""
    conditions = document.get("status", {}).get("conditions", ())  # of what nobody looked at yet there are none
    return any(each["type"] == "Permitted" and each["status"] != "True" for each in conditions)


def _check_children(database: Json, own: dict[Child, Json]) -> None:
    metadata, status = database["metadata"], database["status"]
    owner = Owner(namespace=metadata["namespace"], name=metadata["name"], uid=metadata["uid"])
    assert {standing(live, owner) for live in own.values()} <= {Standing.OWN}, "none is a predecessor's"
    assert {each["observedGeneration"] for each in status["conditions"]} == {metadata["generation"]}
    if _is_denied(database):
        assert Child.DEPLOYMENT not in own
        assert not own.get(Child.POLICY, {"spec": {"grants": []}})["spec"]["grants"]
    elif Child.CLIENT_CA in own:
        assert own[Child.CLIENT_CA]["data"][names.CA_KEY] == status["caBundle"]
    if not _is_denied(database) and Child.POLICY in own:
        assert own[Child.POLICY]["spec"]["revision"] == status["policyRevision"]


def _foreign(reference: Reference) -> Json:
    manifest: Json = {
        "apiVersion": reference.kind.api_version,
        "kind": reference.kind.kind,
        "metadata": {"name": reference.name, "namespace": reference.namespace},
    }
    return manifest | ({"spec": {"ports": [{"port": 1}]}} if reference.kind is kinds.SERVICE else {})


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lasting(nested) for key, nested in value.items() if key not in _VOLATILE}
    return [_lasting(item) for item in value] if isinstance(value, list) else value
