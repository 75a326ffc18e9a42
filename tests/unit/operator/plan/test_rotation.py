"""A CA's whole rotation, plan by plan, as the API server would carry it."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from keyward_api import names
from keyward_operator.children import Child
from keyward_operator.manifests.ca_secret import read_authorities
from keyward_operator.pki.certificate_authority import issue
from keyward_operator.pki.rotation import RETENTION, Authorities
from keyward_operator.plan.observed import Observed
from keyward_operator.plan.result import Issue
from tests.unit.operator.builders import AUTHORITY, LIFETIME, NOW, applied, carry_out, conditions, plan_for, settled

OVERLAP = timedelta(days=30)
SUCCESSOR = issue(database="payments/orders", now=NOW, lifetime=LIFETIME)


def asked(world: Observed, value: str = "2026-11-23") -> Observed:
    metadata = {**world.database["metadata"], "annotations": {names.ANNOTATION_ROTATE_CA: value}}
    return replace(world, database={**world.database, "metadata": metadata})


def until_quiet(world: Observed, now: datetime) -> Observed:
    for _ in range(8):
        steps = plan_for(world, now=now)
        if steps.does_nothing:
            return world
        world = carry_out(world, steps, SUCCESSOR)
    raise AssertionError(f"it never settles: {steps}")


def authorities(world: Observed) -> Authorities:
    found = read_authorities(world.children[Child.CA_SECRET])
    assert found is not None
    return found


def bundle(world: Observed) -> Any:
    return world.children[Child.CLIENT_CA]["data"]["ca.crt"].encode()


def test_clients_know_the_new_one_before_it_signs_and_the_old_one_until_its_leaves_have_ended() -> None:
    world = until_quiet(asked(settled()), NOW)
    assert authorities(world).current == AUTHORITY
    assert bundle(world) == AUTHORITY.certificate + SUCCESSOR.certificate
    assert world.database["status"]["caBundle"].encode() == bundle(world)
    assert conditions(world)["CertificateAuthorityReady"]["reason"] == "Rotating"
    assert plan_for(world).requeue_after == OVERLAP.total_seconds()

    world = until_quiet(world, NOW + OVERLAP)
    assert authorities(world).current == SUCCESSOR
    assert bundle(world) == SUCCESSOR.certificate + AUTHORITY.certificate

    world = until_quiet(world, NOW + OVERLAP + RETENTION)
    assert authorities(world) == Authorities(current=SUCCESSOR, request="2026-11-23")
    assert bundle(world) == SUCCESSOR.certificate
    assert conditions(world)["CertificateAuthorityReady"]["reason"] == "Issued"


def test_a_rotation_rolls_no_agent() -> None:
    before = settled()
    after = until_quiet(until_quiet(asked(before), NOW), NOW + OVERLAP)
    assert after.children[Child.DEPLOYMENT] == before.children[Child.DEPLOYMENT]


def test_a_request_is_followed_once() -> None:
    world = until_quiet(until_quiet(until_quiet(asked(settled()), NOW), NOW + OVERLAP), NOW + OVERLAP + RETENTION)
    later = NOW + OVERLAP + RETENTION
    assert plan_for(world, now=later).issue is None
    assert plan_for(asked(world, "another"), now=later).issue is Issue.SUCCESSOR


def test_the_new_one_never_signs_while_clients_could_not_be_told() -> None:
    taken = settled()
    foreign = {**applied({"metadata": {"name": "x", "namespace": "y"}}), "data": {}}
    taken = replace(taken, children={**taken.children, Child.CLIENT_CA: foreign})
    world = carry_out(asked(taken), plan_for(asked(taken)), SUCCESSOR)
    assert authorities(world).successor == SUCCESSOR
    assert authorities(until_quiet(world, NOW + 5 * OVERLAP)).current == AUTHORITY
