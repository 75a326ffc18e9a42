"""Worlds that plans are made from: what users wrote, and what the API server would hold after a plan was applied."""

import copy
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from keyward_api import names
from keyward_api.tenants import PlatformSettings
from keyward_operator.children import Child, references
from keyward_operator.kinds import Reference, reference_to
from keyward_operator.manifests.ca_secret import ca_secret, read_authorities
from keyward_operator.manifests.context import ManifestContext
from keyward_operator.pki.certificate_authority import CertificateAuthority, issue, key_pem, new_key
from keyward_operator.pki.rotation import NOTHING, requested, with_new
from keyward_operator.plan.access.policies import DatabaseTold, database_told, policy_state
from keyward_operator.plan.database import plan
from keyward_operator.plan.observed import Cluster, Observed
from keyward_operator.plan.result import Issue, Plan
from keyward_operator.plan.view import View, view_of

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NAMESPACE = "payments"
NAME = "orders"
UID = "0d7c1f7e-6a1c-4a58-9c3e-5b1c2d3e4f50"
ROLE_ARN = "arn:aws:iam::111122223333:role/keyward-agents"
IDENTITY = "arn:aws:sts::111122223333:assumed-role/keyward-agents/agent-1"
DB_USER = "KeyspacesReader"
AGENTS = names.AGENTS_NAMESPACE
LIFETIME = timedelta(days=365)
AUTHORITY = issue(database=f"{NAMESPACE}/{NAME}", now=NOW, lifetime=LIFETIME)
REFERENCES = references(namespace=NAMESPACE, name=NAME, agents_namespace=AGENTS)
AWS_ROOTS = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
OPTIONAL = frozenset({Child.AWS_ROOTS, Child.EXTERNAL_SERVICE, Child.AUTOSCALER})
"""Children that only some databases or platforms have."""

CLUSTER = Cluster(uid="cluster-uid", issuer="https://oidc.example/id/1")

Json = dict[str, Any]


def settings(**changes: Any) -> PlatformSettings:
    return PlatformSettings.model_validate({"agents": {"image": "keyward/agent:1"}, **changes})


def database(**spec: Any) -> Json:
    return {
        "apiVersion": names.API_VERSION,
        "kind": "KeyspacesDatabase",
        "metadata": {
            "name": NAME,
            "namespace": NAMESPACE,
            "uid": UID,
            "generation": 3,
            "resourceVersion": "7",
            "finalizers": [names.FINALIZER],
        },
        "spec": {
            "aws": {"accountID": "111122223333", "region": "us-east-1"},
            "endpoint": {"type": "Public"},
            "agent": {"replicas": 2, "identity": {"type": "IRSA", "roleARN": ROLE_ARN}},
            **spec,
        },
    }


def role(name: str = "reader", **rule: Any) -> Json:
    allow = {
        "databases": {"selector": {}},
        "dbUsers": [DB_USER],
        "keyspaces": ["orders"],
        "tables": ["*"],
        "permissions": ["Select"],
        **rule,
    }
    return {"metadata": {"name": name, "namespace": NAMESPACE}, "spec": {"allow": [allow]}}


def user(name: str = "app", roles: tuple[str, ...] = ("reader",), **spec: Any) -> Json:
    subject = {"kind": "ServiceAccount", "namespace": NAMESPACE, "name": name}
    return {
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"subjects": [subject], "roles": list(roles), **spec},
    }


def lock(name: str = "incident", **spec: Any) -> Json:
    return {"metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec}


def pod(name: str = "agent-1", *, injected: bool = True, created: str = "2026-11-23T11:00:00Z", **status: Any) -> Json:
    env = [{"name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": "/token"}] if injected else []
    return {
        "metadata": {"name": name, "namespace": AGENTS, "uid": f"uid-{name}", "creationTimestamp": created},
        "spec": {"containers": [{"name": "agent", "env": env}]},
        "status": status,
    }


def observed(**changes: Any) -> Observed:
    """A database that nothing was made for yet."""
    bare = Observed(
        database=database(),
        cluster=CLUSTER,
        namespace_labels={"kubernetes.io/metadata.name": NAMESPACE},
        roles=(role(),),
        users=(user(),),
        locks=(),
        iam_roles=(),
        children={},
        pods=(),
        replacement_due=True,
    )
    return replace(bare, **changes)


def plan_for(world: Observed, platform: PlatformSettings | None = None, now: datetime = NOW) -> Plan:
    return plan(view_for(world, platform, now))


def view_for(world: Observed, platform: PlatformSettings | None = None, now: datetime = NOW) -> View:
    context = ManifestContext(
        owner=world.owner,
        agents_namespace=AGENTS,
        operator_namespace=names.SYSTEM_NAMESPACE,
        settings=platform or settings(),
    )
    return view_of(world, context, now)


def context(platform: PlatformSettings | None = None) -> ManifestContext:
    return ManifestContext(
        owner=observed().owner,
        agents_namespace=AGENTS,
        operator_namespace=names.SYSTEM_NAMESPACE,
        settings=platform or settings(),
    )


def fields_of(value: Any) -> Json:
    """managedFields' set of fields for an object in which every list is atomic."""
    if not isinstance(value, dict):
        return {}
    return {f"f:{key}": fields_of(nested) for key, nested in value.items()}


def applied(manifest: Json, live: Json | None = None, *, uid: str = "child-uid") -> Json:
    """What the API server holds after our apply of `manifest` over `live`, whose other fields stay."""
    metadata = {k: v for k, v in manifest["metadata"].items() if k not in ("name", "namespace")}
    content = {k: v for k, v in manifest.items() if k not in ("apiVersion", "kind", "metadata")}
    entry = {
        "manager": names.FieldManager.DATABASE,
        "operation": "Apply",
        "fieldsV1": fields_of({"metadata": metadata, **content}),
    }
    result = copy.deepcopy(live or {}) | copy.deepcopy(manifest)
    result["metadata"] |= {"uid": uid, "resourceVersion": "1", "managedFields": [entry]}
    return result


def with_status(document: Json, status: Json, manager: str = names.FieldManager.DATABASE) -> Json:
    """What the API server holds after our apply of `status`; what others applied stays."""
    result = copy.deepcopy(document)
    known = result["metadata"].get("managedFields", [])
    mine = [e for e in known if (e["manager"], e.get("subresource")) == (manager, "status")]
    before = {name.removeprefix("f:") for e in mine for name in e["fieldsV1"]["f:status"]} - {"conditions"}
    entry = {
        "manager": manager,
        "operation": "Apply",
        "subresource": "status",
        "fieldsV1": {"f:status": fields_of(status) | _fields_of_conditions(status)},
    }
    result["metadata"]["managedFields"] = [*(e for e in known if e not in mine), entry]
    kept = {name: value for name, value in result.get("status", {}).items() if name not in before}
    told = {each["type"]: each for source in (kept, status) for each in source.get("conditions", ())}
    result["status"] = kept | copy.deepcopy(status) | ({"conditions": list(told.values())} if told else {})
    return result


def _fields_of_conditions(status: Json) -> Json:
    """They are a map by type, of which each manager has its own."""
    found = {f"k:{json.dumps({'type': each['type']})}": fields_of(each) for each in status.get("conditions", ())}
    return {"f:conditions": found} if found else {}


def child_of(reference: Reference) -> Child:
    return next(child for child, candidate in REFERENCES.items() if candidate == reference)


def carry_out(world: Observed, steps: Plan, authority: CertificateAuthority = AUTHORITY) -> Observed:
    """The world after a plan, with a Service that got its address."""
    children = dict(world.children)
    request = world.certificate_request
    for deletion in steps.delete:
        if deletion.reference == context().certificate_request():
            request = None
        else:
            del children[child_of(deletion.reference)]
    if steps.issue is not None:
        found = read_authorities(children[Child.CA_SECRET]) if steps.issue is Issue.SUCCESSOR else None
        authorities = with_new(found, authority, request=requested(world.database["metadata"]))
        children[Child.CA_SECRET] = applied(ca_secret(context(), authorities=authorities))
    if steps.ask:
        found = read_authorities(children[Child.CA_SECRET]) if Child.CA_SECRET in children else None
        authorities = replace(found or NOTHING, pending=key_pem(new_key()))
        children[Child.CA_SECRET] = applied(ca_secret(context(), authorities=authorities))
    for manifest in steps.apply:
        child = child_of(reference_to(manifest))
        status = {"status": children[child]["status"]} if "status" in children.get(child, {}) else {}
        children[child] = applied(manifest) | status
        if child is Child.SERVICE:
            children[child]["spec"]["clusterIP"] = "10.0.0.7"
    document = world.database
    if steps.finalizers is not None:
        document = copy.deepcopy(document)
        document["metadata"]["finalizers"] = list(steps.finalizers)
    if steps.status is not None:
        document = with_status(document, steps.status)
    return replace(world, children=children, database=document, certificate_request=request)


def settled(world: Observed | None = None, platform: PlatformSettings | None = None) -> Observed:
    """The world after as many plans as it takes."""
    world = world or observed()
    for _ in range(6):
        steps = plan_for(world, platform)
        told = told_by(world, platform)
        if steps.does_nothing and not told.is_new:
            return world
        world = looked_at(world, platform)
    raise AssertionError(f"it never settles: {steps}")


def looked_at(world: Observed, platform: PlatformSettings | None = None) -> Observed:
    """The world after its own reconciler, and that of access, looked at it once."""
    world = carry_out(world, plan_for(world, platform))
    told = told_by(world, platform)
    if told.is_new:
        world = replace(world, database=with_status(world.database, told.status, names.FieldManager.ACCESS))
    return world


def told_by(world: Observed, platform: PlatformSettings | None = None) -> DatabaseTold:
    """What the reconciler of access says in the status of the database."""
    view = view_for(world, platform)
    state = policy_state(view)
    return database_told(view, state, is_published=state.is_published)


def changed_child(world: Observed, child: Child, **parts: Any) -> Observed:
    """The world with top-level parts of a child replaced."""
    return replace(world, children={**world.children, child: {**world.children[child], **parts}})


def serving(platform: PlatformSettings | None = None, **spec: Any) -> Observed:
    """A settled world in which two agents are ready and could assume the granted role."""
    world = settled(observed(database=database(**spec)), platform)
    pods = (pod("agent-1"), pod("agent-2"))
    status = {"replicas": 2, "readyReplicas": 2}
    world = changed_child(world, Child.DEPLOYMENT, status=status)
    world = changed_child(world, Child.POLICY, status={"agents": [report(p["metadata"]["name"]) for p in pods]})
    return settled(replace(world, pods=pods), platform)


def report(name: str, *, assumable: bool = True, why: str = "", **changes: Any) -> Json:
    found = {"dbUser": DB_USER, "assumable": assumable, "reason": why}
    return {
        "pod": name,
        "ready": True,
        "reason": "",
        "observedRevision": "r",
        "identity": IDENTITY,
        "endpoint": {"reachable": True, "reason": ""},
        "roles": [found],
        **changes,
    }


def conditions(world: Observed) -> dict[str, Json]:
    return {condition["type"]: condition for condition in world.database["status"]["conditions"]}
