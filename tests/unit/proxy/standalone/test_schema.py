"""What the API server would refuse is refused here; what it would default is defaulted."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml

from keyward_proxy.standalone.schema import USER_KINDS, check
from tests.unit.proxy.standalone.folder import DATABASE, IAM_ROLE, LOCK, ROLE, USER

GOOD = {document["kind"]: document for document in map(yaml.safe_load, (DATABASE, ROLE, USER, LOCK, IAM_ROLE))}


def changed(kind: str, path: str, value: object) -> dict[str, Any]:
    """A good document with one field set, or taken away by None."""
    document = copy.deepcopy(GOOD[kind])
    *parents, last = [int(part) if part.isdecimal() else part for part in path.split(".")]
    place: Any = document
    for part in parents:
        place = place[part] if isinstance(place, list) else place.setdefault(part, {})
    if value is None:
        del place[last]
    else:
        place[last] = value
    return document


def problems(kind: str, document: dict[str, Any], old: dict[str, Any] | None = None) -> list[str]:
    return [f"{field}: {message}" for field, message in check(USER_KINDS[kind], document, old)]


@pytest.mark.parametrize("kind", GOOD)
def test_good_documents_are_good(kind: str) -> None:
    assert problems(kind, copy.deepcopy(GOOD[kind])) == []


def test_defaults_are_those_of_the_crd() -> None:
    document = changed("KeyspacesDatabase", "spec.limits", {"maxConnections": 5})
    assert problems("KeyspacesDatabase", document) == []
    assert document["spec"]["endpoint"] == {"type": "Public"}
    assert document["spec"]["limits"]["maxFrameBytes"] == 16 * 1024 * 1024


def test_an_object_of_a_cluster_may_be_copied() -> None:
    document = copy.deepcopy(GOOD["KeyspacesDatabase"])
    document["metadata"] |= {"uid": "u", "resourceVersion": "7", "creationTimestamp": "2026-01-01T00:00:00Z"}
    document["status"] = {"replicas": 2}
    assert problems("KeyspacesDatabase", document) == []


RULE = "spec.allow.0."


@pytest.mark.parametrize(
    ("kind", "path", "value", "says"),
    [
        ("KeyspacesRole", "spec.denny", [], "spec.denny: there is no such field"),
        ("KeyspacesRole", RULE + "table", ["x"], "spec.allow[0].table: there is no such field"),
        ("KeyspacesRole", "metadata.lables", {}, "metadata.lables: there is no such field"),
        ("KeyspacesRole", "extra", {}, "extra: there is no such field"),
        ("KeyspacesRole", RULE + "tables", None, "spec.allow[0].tables: field required"),
        ("KeyspacesRole", RULE + "tables", "x", "spec.allow[0].tables: input should be a valid array"),
        ("KeyspacesRole", RULE + "tables", [], "spec.allow[0].tables: "),
        ("KeyspacesRole", RULE + "tables", ["a", "a"], 'spec.allow[0].tables[1]: "a" is there twice'),
        ("KeyspacesRole", RULE + "tables", ["a-b"], "spec.allow[0].tables[0]: string should match pattern"),
        ("KeyspacesRole", RULE + "permissions", ["Delete"], "spec.allow[0].permissions[0]: input should be 'Select'"),
        ("KeyspacesRole", RULE + "dbUsers", ["Keyspaces*"], "spec.allow[0].dbUsers[0]: string should match pattern"),
        ("KeyspacesRole", RULE + "databases", {}, "spec.allow[0].databases: set exactly one of"),
        (
            "KeyspacesRole",
            RULE + "databases",
            {"names": ["a"], "selector": {}},
            "spec.allow[0].databases: set exactly one of",
        ),
        ("KeyspacesRole", "spec.options", {"allowTracing": "yes"}, "spec.options.allowTracing: input should be"),
        ("KeyspacesRole", "spec.options", {"maxConnections": "2"}, "spec.options.maxConnections: input should be"),
        ("KeyspacesDatabase", "spec.aws.accountID", 111122223333, "spec.aws.accountID: input should be a valid string"),
        ("KeyspacesDatabase", "spec.aws.region", "eu", "spec.aws.region: "),
        ("KeyspacesDatabase", "metadata.name", "a" * 41, ": `metadata.name` must have at most 40 characters"),
        ("KeyspacesDatabase", "metadata.name", "a/b", "metadata.name: 'a/b' is no name"),
        ("KeyspacesDatabase", "metadata.namespace", "A", "metadata.namespace: 'A' is no name"),
        ("KeyspacesDatabase", "metadata.namespace", "a.b", "metadata.namespace: 'a.b' is no name"),
        ("KeyspacesDatabase", "spec.endpoint", {"type": "FIPS"}, "spec: Keyspaces has no FIPS endpoint"),
        ("KeyspacesDatabase", "spec.endpoint", {"type": "VPC"}, "spec.endpoint: `address` must be set for types 'VPC'"),
        (
            "KeyspacesDatabase",
            "spec.endpoint",
            {"type": "VPC", "address": "evil.example.com"},
            "spec: `endpoint.address` must be of the form 'vpce-",
        ),
        (
            "KeyspacesDatabase",
            "spec.endpoint",
            {"type": "Public", "caBundle": "x"},
            "spec.endpoint: `serverName` and `caBundle` may be set for type 'Custom' only",
        ),
        ("KeyspacesUser", "spec.subjects.0.namespace", "a", "spec.subjects[0]: `namespace` must be set for kind"),
        ("KeyspacesUser", "spec.subjects.0.kind", "ServiceAccount", "spec.subjects[0]: `namespace` must be set for"),
        ("KeyspacesUser", "spec.subjects.0.kind", "Robot", "spec.subjects[0].kind: input should be"),
        ("KeyspacesUser", "spec.subjects.0.name", "system:admin", "spec.subjects[0]: a User may not be one of"),
        ("KeyspacesUser", "spec.subjects.1.name", "system:authenticated", "spec.subjects[1]: a Group that holds"),
        ("KeyspacesUser", "spec.subjects.1.name", "system:serviceaccounts", "spec.subjects[1]: a Group that holds"),
        ("KeyspacesUser", "spec.expire", "x", "spec.expire: there is no such field"),
        ("KeyspacesUser", "spec", None, "spec: field required"),
        ("KeyspacesLock", "spec.target", {}, "spec.target: set exactly one of `subject`, `user`, `role`"),
        ("KeyspacesLock", "spec.target", {"user": "a", "agent": "b"}, "spec.target: set exactly one of"),
        ("KeyspacesLock", "spec.target", {"request": "a"}, "spec.target.request: there is no such field"),
        ("KeyspacesLock", "spec.target", {"session": "s-1"}, "spec.target.session: string should have at least 32"),
        ("KeyspacesLock", "spec.target", {"dbUser": "*"}, "spec.target.dbUser: string should match pattern"),
        (
            "KeyspacesLock",
            "spec.target.subject.namespace",
            "a",
            "spec.target.subject: `namespace` must be set for kind",
        ),
        ("KeyspacesLock", "spec.message", "m" * 257, "spec.message: string should have at most 256"),
        ("KeyspacesLock", "spec.target", None, "spec.target: field required"),
        ("KeyspacesUser", "spec.roles", {"a", "b"}, ": this has no form in JSON"),
        ("KeyspacesIAMRole", "spec.roleName", "a/b", "spec.roleName: string should match pattern"),
        ("KeyspacesIAMRole", "spec.tags", {"a": "b"}, "spec: `permissions`, `managedPolicies`, `maxSessionSeconds`"),
    ],
)
def test_what_the_api_server_refuses_is_refused(kind: str, path: str, value: object, says: str) -> None:
    found = problems(kind, changed(kind, path, value))
    assert [problem for problem in found if problem.startswith(says)], found


def test_a_list_whose_only_item_is_wrong_is_not_called_too_short_as_well() -> None:
    document = changed("KeyspacesRole", "spec.allow.0.permissions", ["Read"])
    (problem,) = problems("KeyspacesRole", document)
    assert problem.startswith("spec.allow[0].permissions[0]: ")


def test_a_number_where_text_belongs_is_told_how_to_be_text() -> None:
    document = changed("KeyspacesDatabase", "spec.aws.accountID", 111122223333)
    assert problems("KeyspacesDatabase", document)[0].endswith("put it in quotes")


def test_what_is_immutable_is_so_only_for_what_exists() -> None:
    other = changed("KeyspacesDatabase", "spec.aws.accountID", "999999999999")
    assert problems("KeyspacesDatabase", copy.deepcopy(other)) == []
    assert problems("KeyspacesDatabase", other, GOOD["KeyspacesDatabase"]) == [
        "spec.aws.accountID: `accountID` is immutable: create another database"
    ]


def test_a_policy_is_compiled_and_never_read() -> None:
    assert sorted(USER_KINDS) == [
        *("KeyspacesDatabase", "KeyspacesIAMRole", "KeyspacesLock"),
        *("KeyspacesRole", "KeyspacesUser"),
    ]
