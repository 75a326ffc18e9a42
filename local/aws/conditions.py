"""Conditions of IAM policies, evaluated against a request's context.

Source: "IAM JSON policy elements: Condition operators" and "... multiple context keys or values", IAM User
Guide. Implemented: the String and Arn operators, Bool and Null, with IfExists, ForAnyValue and ForAllValues.
Anything else (numbers, dates, addresses, policy variables, keys that local AWS does not know in that request)
raises NotImplementedCondition, upon which the evaluation fails closed: an Allow does not allow, a Deny
denies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from local.aws.documents import Condition
from local.aws.patterns import matches, matches_arn


class NotImplementedCondition(Exception):
    """A condition that local AWS cannot evaluate; the message says which and why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What a request says about itself and its caller."""

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Values by lower-case key; a key without values is absent from the request."""
    known: frozenset[str] = frozenset()
    """Further keys, lower-case, that such a request may carry; one that ends in `/` stands for all that begin so."""

    def get(self, key: str) -> tuple[str, ...]:
        """The values of a key. Raises NotImplementedCondition where the key means nothing to local AWS here."""
        lower = key.lower()
        family = lower.partition("/")[0] + "/"
        if lower in self.values:
            return self.values[lower]
        if lower in self.known or ("/" in lower and family in self.known):
            return ()
        raise NotImplementedCondition(f"condition key {key} is not implemented for this request")


_Test: TypeAlias = Callable[[str, str], bool]


def _same(pattern: str, value: str) -> bool:
    return pattern == value


def _same_ignoring_case(pattern: str, value: str) -> bool:
    return pattern.lower() == value.lower()


_TESTS: Mapping[str, tuple[_Test, bool]] = {
    "stringequals": (_same, False),
    "stringnotequals": (_same, True),
    "stringequalsignorecase": (_same_ignoring_case, False),
    "stringnotequalsignorecase": (_same_ignoring_case, True),
    "stringlike": (matches, False),
    "stringnotlike": (matches, True),
    "arnequals": (matches_arn, False),
    "arnlike": (matches_arn, False),
    "arnnotequals": (matches_arn, True),
    "arnnotlike": (matches_arn, True),
    "bool": (_same_ignoring_case, False),
}
"""Operator to (test of one policy value, negated)."""


def holds(condition: Condition, context: Context) -> bool:
    """Whether the request fulfils the condition. Raises NotImplementedCondition."""
    quantifier, _, name = condition.operator.lower().rpartition(":")
    given = context.get(condition.key)
    if name == "null" and not quantifier:
        return ("true" if not given else "false") in (value.lower() for value in condition.values)
    optional = name.endswith("ifexists")
    test, negated = _test(condition, name.removesuffix("ifexists"), quantifier)
    if any("${" in value for value in condition.values):
        raise NotImplementedCondition(f"the policy variable in {condition.values} is not implemented")
    if optional and not given:
        return True

    def fits(value: str) -> bool:
        return any(test(pattern, value) for pattern in condition.values) != negated

    if quantifier == "forallvalues":
        return all(map(fits, given))
    if quantifier == "foranyvalue":
        return any(map(fits, given))
    return all(map(fits, given)) if negated else any(map(fits, given))


def _test(condition: Condition, name: str, quantifier: str) -> tuple[_Test, bool]:
    if quantifier not in ("", "foranyvalue", "forallvalues") or name not in _TESTS:
        raise NotImplementedCondition(f"condition operator {condition.operator} is not implemented")
    return _TESTS[name]
