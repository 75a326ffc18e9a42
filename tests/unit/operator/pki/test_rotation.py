from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from keyward_api import names
from keyward_api.tenants import CertificateAuthoritySettings
from keyward_operator.pki.certificate_authority import CertificateAuthority, issue
from keyward_operator.pki.rotation import RETENTION, Authorities, advanced, next_step, requested, wants_successor

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SETTINGS = CertificateAuthoritySettings.model_validate(
    {"lifetimeSeconds": 100 * 86400, "renewBeforeSeconds": 30 * 86400, "overlapSeconds": 10 * 86400}
)


def made(at: datetime, life: timedelta = 100 * DAY) -> CertificateAuthority:
    return issue(database="payments/orders", now=at, lifetime=life)


OLD, NEW = made(NOW), made(NOW + 70 * DAY)


def at(authorities: Authorities, moment: datetime, told: bytes = b"") -> Authorities:
    return advanced(authorities, now=moment, told=told, settings=SETTINGS)


def wants(authorities: Authorities, moment: datetime, request: str = "") -> bool:
    return wants_successor(authorities, now=moment, request=request, settings=SETTINGS)


def test_a_request_is_noted_as_it_is_and_a_long_one_by_its_hash() -> None:
    assert requested({}) == ""
    assert requested({"annotations": {names.ANNOTATION_ROTATE_CA: "2026-11-23"}}) == "2026-11-23"
    one, other = (requested({"annotations": {names.ANNOTATION_ROTATE_CA: "r" * 250_000 + end}}) for end in "ab")
    assert one != other
    assert len(one) == len(other) == 64


def test_the_successor_signs_only_when_clients_have_known_it_for_the_overlap() -> None:
    both = Authorities(current=OLD, successor=NEW)
    begin = NOW + 70 * DAY
    assert at(both, begin + 20 * DAY) == both, "clients were never told"
    known = at(both, begin, told=OLD.certificate + NEW.certificate)
    assert (known.published, known.current) == (begin, OLD)
    assert at(known, begin + 10 * DAY - timedelta(seconds=1)) == known
    after = at(known, begin + 10 * DAY)
    assert (after.current, after.successor, after.previous) == (NEW, None, OLD.certificate)


def test_clients_trust_both_until_no_leaf_of_the_old_one_can_be_valid() -> None:
    switched = NOW + 80 * DAY
    after = Authorities(current=NEW, previous=OLD.certificate, switched=switched)
    assert after.bundle == NEW.certificate + OLD.certificate
    assert at(after, switched + RETENTION - timedelta(seconds=1)) == after
    assert at(after, switched + RETENTION) == Authorities(current=NEW)


def test_the_bundle_holds_all_and_begins_with_the_one_that_signs() -> None:
    assert Authorities(current=OLD, successor=NEW).bundle == OLD.certificate + NEW.certificate


def test_a_successor_is_made_in_time_or_when_asked_one_at_a_time() -> None:
    alone = Authorities(current=OLD)
    assert not wants(alone, NOW + 70 * DAY - timedelta(seconds=1))
    assert wants(alone, NOW + 70 * DAY)
    assert wants(alone, NOW, request="now")
    assert not wants(replace(alone, request="now"), NOW, request="now")
    assert wants(replace(alone, request="now"), NOW, request="again")
    assert not wants(replace(alone, successor=NEW), NOW, request="now")
    assert not wants(replace(alone, previous=NEW.certificate), NOW, request="now")


def test_a_ca_that_has_ended_leaves_no_choice() -> None:
    after = at(Authorities(current=made(NOW, DAY), successor=made(NOW)), NOW + 2 * DAY)
    assert (after.successor, after.previous) == (None, b"")
    assert at(after, NOW + 2 * DAY) == after


@pytest.mark.parametrize("broken", [made(NOW, DAY), CertificateAuthority(certificate=b"x", private_key=b"y")])
def test_a_successor_that_cannot_sign_is_dropped_and_made_anew(broken: CertificateAuthority) -> None:
    after = at(Authorities(current=OLD, successor=broken, published=NOW), NOW + 20 * DAY)
    assert after == Authorities(current=OLD)


def test_the_next_step_by_the_clock_is_known() -> None:
    def step(authorities: Authorities) -> datetime:
        return next_step(authorities, settings=SETTINGS)

    assert step(Authorities(current=OLD)) == NOW + 70 * DAY
    assert step(Authorities(current=OLD, successor=NEW)) == NOW + 100 * DAY
    assert step(Authorities(current=OLD, successor=NEW, published=NOW + 71 * DAY)) == NOW + 81 * DAY
    assert step(Authorities(current=NEW, previous=OLD.certificate, switched=NOW)) == NOW + RETENTION


@pytest.mark.parametrize(
    "wrong",
    [
        {"overlapSeconds": 200, "renewBeforeSeconds": 200, "lifetimeSeconds": 1000},
        {"overlapSeconds": 10, "renewBeforeSeconds": 1000, "lifetimeSeconds": 1000},
    ],
)
def test_settings_that_leave_no_time_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="overlapSeconds must be below"):
        CertificateAuthoritySettings.model_validate(wrong)
