"""A CA that the platform's issuer signs, plan by plan; cert-manager's part is played here."""

from base64 import b64decode, b64encode
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from keyward_api import names
from keyward_api.tenants import PlatformSettings
from keyward_operator.children import Child
from keyward_operator.manifests.ca_secret import ca_secret, read_authorities
from keyward_operator.manifests.certificate_request import certificate_request
from keyward_operator.pki.issued import signing_request
from keyward_operator.pki.rotation import RETENTION, Authorities
from keyward_operator.plan.issuance import PATIENCE, RETRY
from keyward_operator.plan.observed import Observed
from keyward_operator.plan.result import Issue
from tests.unit.operator.builders import (
    AUTHORITY,
    NOW,
    applied,
    carry_out,
    conditions,
    context,
    observed,
    plan_for,
    settings,
    settled,
)
from tests.unit.operator.signers import Signer

ISSUER = {"name": "corporate"}
PLATFORM = settings(certificateAuthorities={"issuerRef": ISSUER})
OTHER = settings(certificateAuthorities={"issuerRef": {"name": "another", "kind": "Issuer"}})
OVERLAP = timedelta(days=30)
ROOT = Signer(now=NOW)
Json = dict[str, Any]


def step(world: Observed, now: datetime = NOW, platform: PlatformSettings = PLATFORM) -> Observed:
    """One plan, with the request that it makes."""
    steps = plan_for(world, platform, now)
    after = carry_out(world, steps)
    if steps.ask is None:
        return after
    secret, pending = after.children[Child.CA_SECRET], authorities(after).pending
    request = signing_request(pending, database="payments/orders")
    manifest = certificate_request(context(platform), issuer=steps.ask, request=request, secret=secret)
    manifest["metadata"]["creationTimestamp"] = now.isoformat()
    return replace(after, certificate_request=applied(manifest, uid="request"))


def until_quiet(world: Observed, now: datetime = NOW, platform: PlatformSettings = PLATFORM) -> Observed:
    for _ in range(10):
        if plan_for(world, platform, now).does_nothing:
            return world
        world = step(world, now, platform)
    raise AssertionError(f"it never settles: {plan_for(world, platform, now)}")


def authorities(world: Observed) -> Authorities:
    found = read_authorities(world.children[Child.CA_SECRET])
    assert found is not None
    return found


def told(world: Observed, *conditions: Json, **status: Any) -> Observed:
    """What cert-manager, or who approves, says of the request."""
    request = world.certificate_request
    assert request is not None
    return replace(world, certificate_request={**request, "status": {"conditions": list(conditions), **status}})


def condition(name: str, status: str = "True", **parts: str) -> Json:
    return {"type": name, "status": status, "lastTransitionTime": NOW.isoformat(), **parts}


def answered(world: Observed, now: datetime = NOW, signer: Signer = ROOT, **choice: Any) -> Observed:
    assert world.certificate_request is not None
    request = b64decode(world.certificate_request["spec"]["request"])
    answer = signer.answer(request, now=now, **choice)
    encoded = {name: b64encode(getattr(answer, name)).decode() for name in ("certificate", "ca")}
    return told(world, condition("Approved"), condition("Ready", reason="Issued"), **encoded)


def ready(world: Observed) -> tuple[str, str]:
    found = conditions(world)["CertificateAuthorityReady"]
    return found["status"], found["reason"]


def says(world: Observed) -> str:
    return str(conditions(world)["CertificateAuthorityReady"]["message"])


def serving(now: datetime = NOW) -> Observed:
    """A settled world whose CA the issuer signed."""
    return until_quiet(answered(until_quiet(observed(), now), now), now)


def test_the_issuer_is_asked_and_its_answer_is_the_ca() -> None:
    world = until_quiet(observed())
    assert ready(world) == ("Unknown", "IssuerPending")
    assert Child.DEPLOYMENT not in world.children
    assert plan_for(world, PLATFORM).requeue_after == 2
    request = world.certificate_request
    assert request is not None
    assert request["spec"]["issuerRef"] == {"name": "corporate", "kind": "ClusterIssuer", "group": "cert-manager.io"}
    assert (request["spec"]["isCA"], request["spec"]["duration"]) == (True, "31536000s")
    assert request["metadata"]["ownerReferences"][0]["name"] == "payments.orders"
    world = until_quiet(answered(world))
    assert ready(world) == ("True", "Issued")
    assert world.certificate_request is None
    found = authorities(world)
    assert (found.current.issuer, found.pending) == ("ClusterIssuer.cert-manager.io/corporate", b"")
    assert world.children[Child.CLIENT_CA]["data"]["ca.crt"].encode() == found.current.certificate
    assert Child.DEPLOYMENT in world.children


def test_the_answer_is_kept_before_the_request_goes() -> None:
    world = answered(until_quiet(observed()))
    steps = plan_for(world, PLATFORM)
    assert (steps.delete, steps.issue, steps.ask) == ((), None, None)
    assert world.certificate_request is step(world).certificate_request
    assert step(step(world)).certificate_request is None


def test_a_platform_without_an_issuer_never_waits_for_one() -> None:
    assert plan_for(observed()).issue is Issue.FIRST
    assert not plan_for(observed()).ask


def test_an_issuer_that_is_named_later_signs_the_successor() -> None:
    world = until_quiet(settled())
    assert ready(world) == ("True", "IssuerPending")
    assert authorities(world).current == AUTHORITY
    world = until_quiet(answered(world))
    found = authorities(world)
    assert found.successor is not None
    assert (
        world.children[Child.CLIENT_CA]["data"]["ca.crt"].encode()
        == AUTHORITY.certificate + found.successor.certificate
    )
    assert ready(world) == ("True", "Rotating")
    world = until_quiet(until_quiet(world, NOW + OVERLAP), NOW + OVERLAP + RETENTION)
    assert authorities(world) == Authorities(current=found.successor)


@pytest.mark.parametrize("platform", [OTHER, settings()], ids=["another issuer", "no issuer"])
def test_another_issuer_or_none_leads_to_a_rotation(platform: PlatformSettings) -> None:
    steps = plan_for(serving(), platform)
    assert steps.ask == platform.certificate_authorities.issuer_ref
    assert steps.issue is (None if platform is OTHER else Issue.SUCCESSOR)


def test_a_rotation_that_is_asked_for_is_asked_of_the_issuer_once() -> None:
    world = serving()
    metadata = {**world.database["metadata"], "annotations": {names.ANNOTATION_ROTATE_CA: "now"}}
    world = until_quiet(replace(world, database={**world.database, "metadata": metadata}))
    assert world.certificate_request is not None
    world = until_quiet(answered(world))
    assert (authorities(world).request, world.certificate_request) == ("now", None)


@pytest.mark.parametrize(
    ("change", "says_so"),
    [
        pytest.param(
            lambda world: told(world, condition("Denied", message="no CAs here"), failureTime=NOW.isoformat()),
            "no CAs here",
            id="denied",
        ),
        pytest.param(
            lambda world: told(world, condition("Ready", "False", reason="Failed", message="Error signing")),
            "Error signing",
            id="failed",
        ),
        pytest.param(lambda world: answered(world, ca=False), "is not a CA's certificate", id="of no use"),
    ],
)
@pytest.mark.parametrize("start", [observed(), settled()], ids=["the first", "the successor"])
def test_an_issuer_that_refuses_is_told_and_asked_again_later(start: Observed, change: Any, says_so: str) -> None:
    world = until_quiet(change(until_quiet(start)))
    assert ready(world) == ("False", "IssuerRefused")
    assert says_so in says(world)
    assert "certificateAuthorities.issuerRef" in says(world)
    assert plan_for(world, PLATFORM).requeue_after == 60, "who mends the issuer may delete the request"
    assert plan_for(world, PLATFORM, NOW + RETRY - timedelta(seconds=1)).does_nothing
    before, world = world, step(world, NOW + RETRY)
    assert world.certificate_request is None
    world = until_quiet(world, NOW + RETRY)
    assert authorities(world).pending != authorities(before).pending, "each request has a key of its own"
    assert ready(until_quiet(answered(world, NOW + RETRY), NOW + RETRY))[0] == "True"
    assert (Child.DEPLOYMENT in before.children) is (start.children != {}), "a CA that works goes on"


def test_a_request_that_nobody_answers_is_looked_at_less_often_and_told() -> None:
    world = until_quiet(observed())
    assert "it is not approved yet" in says(world)
    assert plan_for(world, PLATFORM, NOW + timedelta(minutes=10)).requeue_after == 60
    world = until_quiet(told(world, condition("Approved")), NOW + PATIENCE)
    assert ready(world) == ("False", "IssuerPending")
    assert "it is approved, and not signed yet" in says(world)
    assert plan_for(world, PLATFORM, NOW + 10 * PATIENCE).requeue_after == 300


def test_a_successor_that_is_late_fails_the_condition_and_stops_nothing() -> None:
    world = until_quiet(until_quiet(settled()), NOW + PATIENCE)
    assert ready(world) == ("False", "IssuerPending")
    assert authorities(world).current == AUTHORITY


def test_a_cluster_without_cert_manager_is_told() -> None:
    world = until_quiet(observed(issuer_problem="the server could not find the requested resource (HTTP 404)"))
    assert ready(world) == ("False", "IssuerUnavailable")
    assert "install cert-manager" in says(world)
    assert plan_for(world, PLATFORM).requeue_after == 60
    assert Child.CA_SECRET not in world.children


def test_a_request_of_before_is_replaced() -> None:
    world = until_quiet(observed())
    assert plan_for(world, OTHER).delete[0].uid == "request"
    world = replace(world, children={})
    assert plan_for(world, PLATFORM).delete[0].uid == "request", "the Secret with its key is gone"
    assert plan_for(step(world), PLATFORM).ask


def test_a_request_that_nothing_is_wanted_of_goes_and_its_key_too() -> None:
    asked = until_quiet(settled())
    assert authorities(asked).pending
    world = until_quiet(asked, platform=settings())
    assert authorities(world) == Authorities(current=AUTHORITY)
    spec = {**asked.database["spec"], "endpoint": {"type": "Custom", "address": "a.b", "serverName": "a.b"}}
    denied = replace(asked, database={**asked.database, "spec": spec})
    assert [each.uid for each in plan_for(denied, PLATFORM).delete].count("request") == 1


def test_a_strangers_request_of_that_name_is_left_alone_and_told() -> None:
    stranger = {"metadata": {"name": "payments.orders", "namespace": names.AGENTS_NAMESPACE, "uid": "x"}, "spec": {}}
    world = until_quiet(observed(certificate_request=stranger))
    assert ready(world) == ("False", "NameTaken")
    assert world.certificate_request == stranger


def test_a_short_life_is_shared_out_and_leads_to_no_storm() -> None:
    life = timedelta(days=73)  # a fifth of what is asked for
    world = until_quiet(answered(until_quiet(observed()), life=life))
    renewal, overlap = NOW + life * (1 - 120 / 365), OVERLAP / 5
    assert plan_for(world, PLATFORM, renewal - timedelta(hours=1)).does_nothing
    world = until_quiet(answered(until_quiet(world, renewal), renewal, life=life), renewal)
    successor = authorities(world).successor
    assert successor is not None
    world = until_quiet(world, renewal + overlap)
    assert authorities(world).current == successor
    world = until_quiet(world, renewal + overlap + RETENTION)
    assert (authorities(world).successor, world.certificate_request) == (None, None)


def test_a_successor_that_lives_shorter_than_the_overlap_signs_before_it_ends() -> None:
    life = timedelta(days=20)
    world = until_quiet(answered(until_quiet(settled()), life=life))
    successor = authorities(world).successor
    assert successor is not None
    overlap = OVERLAP * (life / timedelta(days=365))
    assert authorities(until_quiet(world, NOW + overlap - timedelta(hours=1))).current == AUTHORITY
    assert authorities(until_quiet(world, NOW + overlap)).current == successor


@pytest.mark.parametrize("platform", [PLATFORM, settings()], ids=["an issuer", "no issuer"])
def test_the_secret_is_not_written_twice_where_one_rotation_ends_and_the_next_begins(
    platform: PlatformSettings,
) -> None:
    world = settled()
    found = Authorities(current=AUTHORITY, previous=b"old", switched=NOW - RETENTION + timedelta(seconds=1))
    secret = applied(ca_secret(context(), authorities=found))
    metadata = {**world.database["metadata"], "annotations": {names.ANNOTATION_ROTATE_CA: "now"}}
    world = replace(
        world,
        children={**world.children, Child.CA_SECRET: secret},
        database={**world.database, "metadata": metadata},
    )
    steps = plan_for(world, platform, NOW + timedelta(seconds=1))
    assert steps.ask or steps.issue
    assert secret["metadata"]["name"] not in [
        each["metadata"]["name"] for each in steps.apply if each["kind"] == "Secret"
    ]


def test_no_key_is_in_what_leaves_the_secret() -> None:
    world = answered(until_quiet(observed()))
    for shown in (world.certificate_request, plan_for(world, PLATFORM).status, authorities(world)):
        assert "PRIVATE" not in repr(shown)
