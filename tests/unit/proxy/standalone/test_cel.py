"""CEL as the CRDs use it: every rule of theirs compiles, and what it says is what it says in a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from keyward_api.crds import KINDS, definition
from keyward_proxy.standalone.cel import CELError, compile_rule


def rules(schema: dict[str, Any]) -> Iterator[str]:
    for rule in schema.get("x-kubernetes-validations", ()):
        yield rule["rule"]
    for nested in schema.get("properties", {}).values():
        yield from rules(nested)
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            yield from rules(schema[name])


ALL = sorted(
    {rule for kind in KINDS for rule in rules(definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"])}
)


def test_every_rule_of_the_crds_compiles() -> None:
    assert len(ALL) > 10
    for rule in ALL:
        compile_rule(rule)


@pytest.mark.parametrize(
    ("rule", "value", "answer"),
    [
        ("self == 'a'", "a", True),
        ("self != 'a'", "a", False),
        ("self in ['a', 'b']", "b", True),
        ("self in ['a', 'b']", "c", False),
        ("'a' in ['a'] == has(self.x)", {"x": 1}, True),
        ("'a' in ['a'] == has(self.x)", {}, False),
        ("has(self.x) != has(self.y)", {"x": 1, "y": 1}, False),
        ("has(self.x.y)", {"x": {"y": None}}, True),
        ("!has(self.x) || self.x == 'a'", {}, True),
        ("has(self.x) && self.x == 'a'", {}, False),
        ("self == 'a' || self == 'b' && self == 'c'", "a", True),
        ("(self == 'a' || self == 'b') && self == 'c'", "a", False),
        ("self == 'a' ? 'x' == 'x' : 'x' == 'y'", "a", True),
        ("self == 'a' ? 'x' == 'x' : 'x' == 'y'", "b", False),
        ("self.contains('.' + 'b' + '.')", "a.b.c", True),
        ("self.startsWith('a')", "ba", False),
        ("self.matches('^[a-z]+$')", "abc", True),
        ("self.matches('^[a-z]+$')", "abc\n", False),
        ("self.matches('b')", "abc", True),
        ("self.exists(u, u.contains('*'))", ["a", "b*"], True),
        ("!self.exists(u, u.contains('*'))", ["a", "b"], True),
        ("!self.exists(u, u == 'a')", [], True),
        ("self.exists(k, k == 'a')", {"a": "b"}, True),
        ("self >= 12", 12, True),
        ("self >= 12", 11, False),
        ("size(self) == 2", ["a", "b"], True),
        ("size(self.x) == 0", {"x": {}}, True),
        ("self.exists_one(u, u == 'a')", ["a", "b"], True),
        ("self.exists_one(u, u == 'a')", ["a", "a"], False),
        ("self.exists_one(u, u == 'a')", [], False),
        ("[has(self.x), has(self.y)].exists_one(set, set)", {"x": 1}, True),
        ("[has(self.x), has(self.y)].exists_one(set, set)", {"x": 1, "y": 1}, False),
        ("self.exists(k, k == 'b')", {"a": "b"}, False),
    ],
)
def test_rules_have_the_answers_of_the_specification(rule: str, value: object, answer: bool) -> None:
    assert compile_rule(rule)({"self": value}) is answer


@pytest.mark.parametrize(
    "rule",
    ["", "self ==", "self = 'a'", "self.size() == 1", "self + ", "(self", "[self", "self.exists(1)", "'a\\n'", "self)",
     "has(self", "self ? self", "self.f('a'", "self > 'a'"],
)  # fmt: skip
def test_what_is_not_known_does_not_compile(rule: str) -> None:
    with pytest.raises(CELError):
        compile_rule(rule)


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("self.x == 'a'", {}),
        ("self.x == 'a'", "text"),
        ("self.startsWith('a')", 1),
        ("self || self", "text"),
        ("!self", 1),
        ("self in self", "text"),
        ("self.exists(u, u == 'a')", "text"),
        ("self + 'a' == 'b'", 1),
        ("has(self.x)", "text"),
        ("self >= 1", "2"),
        ("self >= 1", True),
        ("size(self) == 1", 1),
    ],
)
def test_a_value_that_a_rule_stumbles_over_has_no_answer(rule: str, value: object) -> None:
    with pytest.raises(CELError):
        compile_rule(rule)({"self": value})
