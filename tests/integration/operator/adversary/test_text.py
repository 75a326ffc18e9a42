"""Text of a tenant's on its way through conditions, events and logs, and metadata that is longer than it need be."""

import json
import unicodedata
from typing import Any

import pytest

from keyward_api import names
from tests.integration.operator.adversary.tenant import Tenant
from tests.integration.operator.conftest import Objects
from tests.integration.operator.control_plane import RunningOperator, eventually
from tests.integration.operator.resources import condition, database, lock, role, user

Json = dict[str, Any]
EVIL = 'x\n{"level": "info", "message": "forged"}\r\u2028\u0085\x1b[2J\u009b2J\u202eevil\u200b\x00'.replace("\x00", "")
"""A line of its own in a log, a screen cleared, a text that runs backwards."""


def half_a_session_policy(namespace: str, name: str) -> Json:
    """A role with which there is no room for another, so that messages name who holds both."""
    document = role(namespace, name)
    document["spec"]["allow"][0]["tables"] = [f"{name.replace('-', '_')}_{number}" for number in range(18)]
    return document


def holder(namespace: str, name: str) -> Json:
    document = user(namespace, name, (name,))
    document["spec"]["subjects"] = [{"kind": "User", "name": EVIL}, {"kind": "Group", "name": EVIL}]
    return document


def is_plain(character: str) -> bool:
    """Whether a character only shows itself: no control, no format, no separator of lines."""
    return unicodedata.category(character) not in ("Cc", "Cf", "Zl", "Zp", "Co", "Cs")


def test_text_of_a_tenant_s_stays_within_its_line_and_its_quotes(
    operator: RunningOperator, mallory: Tenant, objects: Objects
) -> None:
    mallory.settle(objects, "quoted")
    crooked = role(mallory.namespace, "crooked")
    crooked["spec"]["allow"][0]["databases"] = {"names": [EVIL]}
    shut = lock(mallory.namespace, "crooked", target={"subject": {"kind": "User", "name": EVIL}}, message=EVIL)
    mallory.apply(crooked, shut, *(holder(mallory.namespace, half) for half in ("half-a", "half-b")))
    mallory.apply(*(half_a_session_policy(mallory.namespace, half) for half in ("half-a", "half-b")))
    told = lambda found: EVIL in condition(found, "ReferencesResolved")["message"]  # noqa: E731
    objects.wait("keyspacesrole", "crooked", mallory.namespace, until=told)
    active = lambda found: condition(found, "Ready")["status"] == "True"  # noqa: E731
    objects.wait("keyspaceslock", "crooked", mallory.namespace, until=active)
    assert mallory.policy(objects, "quoted")["locks"][0]["message"] == EVIL
    too_large = lambda found: f"Group {EVIL} cannot log in" in condition(found, "PolicyCompiled")["message"]  # noqa: E731
    objects.wait("keyspacesdatabase", "quoted", mallory.namespace, until=too_large)
    eventually(lambda: "forged" in operator.log.read_text(), what="the log tells of it")
    text = operator.log.read_text()
    assert [json.loads(line)["message"] for line in text.rstrip("\n").split("\n")]
    assert all(character == "\n" or is_plain(character) for character in text)


def test_the_longest_names_are_told_of_like_others(
    operator: RunningOperator, mallory: Tenant, objects: Objects
) -> None:
    longest = "r" * 253
    mallory.apply(role(mallory.namespace, longest), user(mallory.namespace, "u" * 253, (longest,)))
    objects.wait("keyspacesrole", longest, mallory.namespace, until=lambda found: condition(found, "Ready")["reason"])
    objects.wait("keyspacesuser", "u" * 253, mallory.namespace, until=lambda found: condition(found, "Ready")["reason"])
    for name in (longest, "u" * 253):
        eventually(
            lambda name=name: name in json.dumps(mallory.plane.reader.items("events", mallory.namespace)),
            what=f"an event about {name}",
        )


def test_a_request_for_a_new_ca_that_no_secret_could_note_is_followed_all_the_same(
    operator: RunningOperator, mallory: Tenant, objects: Objects
) -> None:
    """Annotations of an object may have 256 KiB together; the CA's Secret has some of its own."""
    mallory.settle(objects, "annotated")
    request = "r" * (256 * 1024 - len(names.ANNOTATION_ROTATE_CA) - 1)
    change = json.dumps({"metadata": {"annotations": {names.ANNOTATION_ROTATE_CA: request}}})
    # Applying leaves a copy of what was applied in another annotation.
    plain = json.dumps({"metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": None}}})
    place = ("patch", "keyspacesdatabase", "annotated", "--type=merge")
    mallory.run(*place, f"--patch={plain}")
    mallory.run(*place, "--patch-file=/dev/stdin", stdin=change)
    published = lambda found: names.ANNOTATION_CA_PUBLISHED in found["metadata"].get("annotations", {})  # noqa: E731
    objects.wait("secret", mallory.child("annotated"), names.AGENTS_NAMESPACE, until=published)
    rotating = lambda found: condition(found, "CertificateAuthorityReady")["reason"] == "Rotating"  # noqa: E731
    found = objects.wait("keyspacesdatabase", "annotated", mallory.namespace, until=rotating)
    assert condition(found, "Ready")["reason"] != "Refused"


def test_a_flood_of_requests_for_new_cas_makes_one_successor_at_a_time(
    operator: RunningOperator, mallory: Tenant, objects: Objects
) -> None:
    mallory.settle(objects, "flooded")
    secret = ("secret", mallory.child("flooded"), names.AGENTS_NAMESPACE)
    first = objects.wait(*secret)["data"]["tls.crt"]
    mallory.run("annotate", "keyspacesdatabase", "flooded", f"{names.ANNOTATION_ROTATE_CA}=0")
    successor = objects.wait(*secret, until=lambda found: "next.crt" in found["data"])["data"]["next.crt"]
    for number in range(1, 15):
        mallory.run("annotate", "--overwrite", "keyspacesdatabase", "flooded", f"{names.ANNOTATION_ROTATE_CA}={number}")
    operator.look_at_everything()
    data = objects.wait(*secret)["data"]
    assert (data["tls.crt"], data["next.crt"]) == (first, successor)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("hostnames", [f"h{number}.example" for number in range(17)], "must have at most 16 items"),
        ("hostnames", ["x" * 254], "may not be more than 253"),
        ("hostnames", ["*.example"], "should match"),
        ("hostnames", ["a\nb"], "should match"),
        ("annotations", {"not a key": "x"}, "must be annotation keys"),
        ("annotations", {f"a/{number}": "x" for number in range(33)}, "must have at most 32"),
        ("annotations", {"a/b": "x" * 1025}, "may not be more than 1024"),
    ],
)
def test_names_and_annotations_of_the_service_are_bounded(
    mallory: Tenant, field: str, value: object, says: str
) -> None:
    document = database(mallory.namespace, "bounded")
    document["spec"]["agent"]["service"] = {"type": "LoadBalancer", field: value}
    said = mallory.attempt("create", "-f", "-", stdin=json.dumps(document))
    assert says in said or "Too long" in said or "Too many" in said, said
