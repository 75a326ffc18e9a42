from typing import Any

import pytest
from pydantic import ValidationError

from keyward_api.crds import KINDS, definition
from keyward_api.resources.iam_role import KeyspacesIAMRoleSpec
from keyward_proxy.standalone.cel import compile_rule

KIND = next(kind for kind in KINDS if kind.name == "KeyspacesIAMRole")
SCHEMA = definition(KIND)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]


def stored(**changes: Any) -> dict[str, Any]:
    """A spec as rules see it: with the schema's defaults, and without what is unset. Raises ValidationError."""
    spec = {"roleName": "Reader", "accountID": "111122223333"} | changes
    KeyspacesIAMRoleSpec.model_validate(spec)
    return {name: field["default"] for name, field in SCHEMA["properties"].items() if "default" in field} | spec


def passes(schema: dict[str, Any], value: object, old: object = None) -> bool:
    rules = [rule["rule"] for rule in schema["x-kubernetes-validations"]]
    return all(compile_rule(rule)({"self": value, "oldSelf": old}) for rule in rules)


PERMISSION = {"keyspaces": ["orders"], "tables": ["*"], "permissions": ["Select"]}
OWNED = [
    {"permissions": [PERMISSION]},
    {"managedPolicies": ["AmazonKeyspacesReadOnlyAccess"]},
    {"tags": {"team": "a"}},
    {"maxSessionSeconds": 3600},
    {"deletionPolicy": "Delete"},
]


@pytest.mark.parametrize("changes", OWNED)
def test_an_adopted_role_is_told_nothing(changes: dict[str, Any]) -> None:
    assert passes(SCHEMA, stored())
    assert not passes(SCHEMA, stored(**changes))
    assert passes(SCHEMA, stored(management="Manage", **changes))


def test_what_is_adopted_and_kept_is_the_default() -> None:
    spec = stored()
    assert (spec["management"], spec["deletionPolicy"]) == ("Adopt", "Retain")
    assert (spec["permissions"], spec["managedPolicies"]) == ([], [])


@pytest.mark.parametrize("field", ["roleName", "accountID"])
def test_which_role_it_is_never_changes(field: str) -> None:
    assert passes(SCHEMA["properties"][field], "a", "a")
    assert not passes(SCHEMA["properties"][field], "a", "b")


@pytest.mark.parametrize(
    ("key", "admitted"),
    [
        ("team", True),
        ("cost center", True),
        ("my:keyward:x", True),
        ("keyward:cluster", False),
        ("Keyward:Cluster", False),
        ("aws:x", False),
        ("AWS:x", False),
        ("", False),
        ("k" * 128, True),
        ("k" * 129, False),
        ("a*", False),
    ],
)
def test_the_operators_tags_are_its_own(key: str, admitted: bool) -> None:
    assert passes(SCHEMA["properties"]["tags"], {key: "x"}) is admitted


@pytest.mark.parametrize(
    "changes",
    [
        {"roleName": "a/b"},
        {"roleName": "r" * 65},
        {"roleName": ""},
        {"accountID": "1"},
        {"management": "Own"},
        {"maxSessionSeconds": 3599},
        {"maxSessionSeconds": 43201},
        {"tags": {"team": "a*"}},
        {"tags": {"team": "a", "Team": "b"}},
        {"tags": {f"k{i}": "" for i in range(41)}},
        {"managedPolicies": ["AdministratorAccess"]},
        {"managedPolicies": ["AmazonKeyspacesFullAccess"] * 4},
        {"permissions": [PERMISSION | {"keyspaces": []}]},
        {"permissions": [PERMISSION | {"permissions": ["Everything"]}]},
    ],
)
def test_what_iam_would_not_take_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        stored(**changes)
