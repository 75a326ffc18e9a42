"""Objects that a tenant forges in its own namespace, so that the operator would take, change or delete another's."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from keyward_api import names
from tests.integration.operator.adversary.looks import looks_at
from tests.integration.operator.adversary.tenant import Tenant, labels_of
from tests.integration.operator.conftest import Objects
from tests.integration.operator.control_plane import RunningOperator, eventually
from tests.integration.operator.resources import condition, database, user

pytestmark = pytest.mark.first

AGENTS = names.AGENTS_NAMESPACE
Json = dict[str, Any]


def config_map(tenant: Tenant, name: str, **metadata: Any) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": tenant.namespace, **metadata},
        "data": {"mine": "yes"},
    }


def test_names_that_are_taken_before_the_database_exists_stay_whose_they_are(
    operator: RunningOperator, mallory: Tenant, objects: Objects
) -> None:
    """Told as NameTaken, neither changed nor deleted with the database."""
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "keyward-taken", "namespace": mallory.namespace},
        "spec": {"type": "ExternalName", "externalName": "mine.example"},
    }
    mallory.apply(service, config_map(mallory, "keyward-taken-ca"), database(mallory.namespace, "taken"))
    taken = lambda found: condition(found, "Ready")["reason"] == "NameTaken"  # noqa: E731
    found = objects.wait("keyspacesdatabase", "taken", mallory.namespace, until=taken)
    for what in (f"Service {mallory.namespace}/keyward-taken", f"ConfigMap {mallory.namespace}/keyward-taken-ca"):
        assert what in condition(found, "Ready")["message"]
    mallory.run("delete", "keyspacesdatabase", "taken", "--timeout=60s")
    assert objects.wait("service", "keyward-taken", mallory.namespace)["spec"]["externalName"] == "mine.example"
    assert objects.wait("configmap", "keyward-taken-ca", mallory.namespace)["data"] == {"mine": "yes"}


def test_labels_of_another_tenant_s_database_make_nobody_s_object_its_child(
    operator: RunningOperator, mallory: Tenant, victim: Tenant, objects: Objects
) -> None:
    """Neither adopted nor deleted, and nothing of the other's changes."""
    owner = objects.wait("keyspacesdatabase", "orders", victim.namespace)
    before = victim.children()
    mallory.apply(
        config_map(mallory, "keyward-orders-ca", labels=labels_of(owner)),
        config_map(mallory, "forged", labels=labels_of(owner, **{names.LABEL_OWNER_UID: "another"})),
        config_map(mallory, "of-a-lost-one", labels=labels_of(owner, **{names.LABEL_OWNER_NAME: "lost"})),
    )
    operator.look_at_everything()
    for name in ("keyward-orders-ca", "forged", "of-a-lost-one"):
        found = objects.wait("configmap", name, mallory.namespace)
        assert found["data"] == {"mine": "yes"}
        assert "deletionTimestamp" not in found["metadata"]
    assert victim.children() == before
    mallory.run("delete", "configmap", "keyward-orders-ca", "forged", "of-a-lost-one")
    operator.look_at_everything()
    assert victim.children() == before, "and what becomes of the forged ones is no sign either"


def test_labels_of_another_tenant_s_database_give_the_operator_no_work(
    operator: RunningOperator, mallory: Tenant, victim: Tenant, objects: Objects
) -> None:
    owner = objects.wait("keyspacesdatabase", "orders", victim.namespace)
    lost = labels_of(owner, **{names.LABEL_OWNER_NAME: "lost-to-forgery"})
    mallory.apply(*(config_map(mallory, f"forged-{number}", labels=lost) for number in range(3)))
    operator.look_at_everything()
    assert not looks_at(operator, f"{victim.namespace}/lost-to-forgery")
    own = labels_of(owner, **{names.LABEL_OWNER_NAMESPACE: mallory.namespace, names.LABEL_OWNER_NAME: "own-lost"})
    mallory.apply(config_map(mallory, "an-orphan", labels=own))
    eventually(lambda: looks_at(operator, f"{mallory.namespace}/own-lost"), what="an orphan at home is looked at")
    mallory.run("delete", "configmap", *(f"forged-{number}" for number in range(3)))


def test_an_object_that_a_tenant_labels_as_its_own_database_s_is_left_alone_while_the_database_is_there(
    operator: RunningOperator, mallory: Tenant, objects: Objects
) -> None:
    """The label is no order to delete; children are those of the children's names."""
    owner = mallory.settle(objects, "labelled")
    mallory.apply(config_map(mallory, "precious", labels=labels_of(owner)))
    operator.look_at_everything()
    assert objects.wait("configmap", "precious", mallory.namespace)["data"] == {"mine": "yes"}


def test_a_name_and_a_ca_that_a_tenant_bends_are_straightened(
    operator: RunningOperator, mallory: Tenant, victim: Tenant, objects: Objects
) -> None:
    """Its own clients would be led to another's agents, or trust another's CA."""
    mallory.settle(objects, "bent")
    place = ("keyspacesdatabase", "bent", mallory.namespace)
    told = objects.wait(*place, until=lambda found: "caBundle" in found["status"])["status"]["caBundle"]
    foreign = objects.wait("configmap", "keyward-orders-ca", victim.namespace)["data"]["ca.crt"]
    alias = objects.wait("service", "keyward-orders", victim.namespace)["spec"]["externalName"]
    for kind, name, change in (
        ("service", "keyward-bent", {"spec": {"externalName": alias}}),
        ("configmap", "keyward-bent-ca", {"data": {"ca.crt": foreign}}),
        ("configmap", "keyward-bent-ca", {"data": None, "binaryData": {"ca.crt": "AAEC/w=="}}),
        ("configmap", "keyward-bent-ca", {"data": {"ca.crt": foreign}, "immutable": True}),
    ):
        mallory.run("patch", kind, name, "--type=merge", f"--patch={json.dumps(change)}")
        objects.wait("configmap", "keyward-bent-ca", mallory.namespace, until=holds(told))
        objects.wait("service", "keyward-bent", mallory.namespace, until=lambda found: alias not in str(found["spec"]))
    assert objects.wait(*place)["status"]["caBundle"] == told


def holds(bundle: str) -> Callable[[Json], bool]:
    """Whether a ConfigMap gives this CA and no other."""
    return lambda found: found.get("data") == {"ca.crt": bundle}


def test_a_finalizer_that_a_tenant_takes_away_leaves_no_agent_behind(
    operator: RunningOperator, mallory: Tenant, objects: Objects
) -> None:
    mallory.settle(objects, "unfinalized")
    assert mallory.children("unfinalized")
    released = '{"metadata": {"finalizers": null}}'
    mallory.run("delete", "keyspacesdatabase", "unfinalized", "--wait=false")
    # The operator may be faster.
    mallory.attempt("patch", "keyspacesdatabase", "unfinalized", "--type=merge", f"--patch={released}")
    eventually(lambda: not mallory.children("unfinalized"), what="its children are gone")


def test_a_finalizer_of_the_tenant_s_own_keeps_no_agent_alive(
    operator: RunningOperator, mallory: Tenant, objects: Objects
) -> None:
    """The database stays, in deletion; its agents go and do not come back."""
    mallory.settle(objects, "kept")
    keep = '{"metadata": {"finalizers": ["keyward.dev/agent", "mallory.example/keep"]}}'
    mallory.run("patch", "keyspacesdatabase", "kept", "--type=merge", f"--patch={keep}")
    mallory.run("delete", "keyspacesdatabase", "kept", "--wait=false")
    eventually(lambda: not mallory.children("kept"), what="its children are gone")
    mallory.apply(user(mallory.namespace, "newcomer"))
    operator.look_at_everything()
    assert not mallory.children("kept")
    mallory.run("patch", "keyspacesdatabase", "kept", "--type=merge", '--patch={"metadata": {"finalizers": null}}')


def test_a_child_that_cannot_end_keeps_the_operator_neither_busy_nor_from_the_rest(
    operator: RunningOperator, mallory: Tenant, objects: Objects
) -> None:
    mallory.settle(objects, "undying")
    keep = '{"metadata": {"finalizers": ["mallory.example/keep"]}}'
    mallory.run("patch", "service", "keyward-undying", "--type=merge", f"--patch={keep}")
    mallory.run("delete", "keyspacesdatabase", "undying", "--wait=false")
    eventually(lambda: not mallory.children("undying"), what="its children among the agents are gone")
    operator.settle()
    assert operator.look_at_everything(5) == 0, "what is being deleted is not deleted again"
    mallory.run("patch", "service", "keyward-undying", "--type=merge", '--patch={"metadata": {"finalizers": null}}')
    objects.wait_gone("keyspacesdatabase", "undying", mallory.namespace)


def test_an_owner_reference_across_namespaces_changes_nothing(
    operator: RunningOperator, mallory: Tenant, victim: Tenant, objects: Objects
) -> None:
    """Neither is the other's database found by it, nor is anything of it deleted with the tenant's object."""
    owner = objects.wait("keyspacesdatabase", "orders", victim.namespace)["metadata"]
    before = victim.children()
    reference = {"apiVersion": names.API_VERSION, "kind": "KeyspacesDatabase", "name": "orders", "uid": owner["uid"]}
    mallory.apply(config_map(mallory, "claimed", ownerReferences=[reference | {"controller": True}]))
    mallory.run("delete", "configmap", "claimed")
    operator.look_at_everything()
    assert victim.children() == before
    assert objects.wait("keyspacesdatabase", "orders", victim.namespace)["metadata"]["uid"] == owner["uid"]


@pytest.mark.parametrize("name", ["x.orders", "Orders", "o" * 41, "-orders", "orders-", "orders_1"])
def test_a_name_that_would_blur_whose_child_a_child_is_is_refused(mallory: Tenant, name: str) -> None:
    said = mallory.attempt("create", "-f", "-", stdin=json.dumps(database(mallory.namespace, name)))
    assert "must have at most 40 characters" in said or "RFC 1123" in said, said


def test_databases_whose_names_run_together_have_children_of_their_own(
    operator: RunningOperator, mallory: Tenant, objects: Objects
) -> None:
    """`a`/`b-c` and `a-b`/`c` read alike, and names that are too long are cut at the same place."""
    neighbour = Tenant.create(mallory.plane, f"{mallory.namespace}-{'n' * 30}")
    long = "o" * 40
    mallory.settle(objects, "n" * 30 + "-x")
    neighbour.settle(objects, "x")
    neighbour.settle(objects, long)
    neighbour.settle(objects, long[:-1] + "p")
    found = [
        set(tenant.children(name))
        for tenant, name in (
            (mallory, "n" * 30 + "-x"),
            (neighbour, "x"),
            (neighbour, long),
            (neighbour, long[:-1] + "p"),
        )
    ]
    neighbour.remove()
    assert all(len(children) == len(found[0]) for children in found)
    assert len(set().union(*found)) == sum(map(len, found)), "no child is shared"
