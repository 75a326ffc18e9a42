"""Verdicts over sets of policies."""

from typing import Any

import pytest

from local.aws.conditions import Context
from local.aws.documents import identity_policy
from local.aws.evaluation import Layer, Outcome, Request, Verdict, evaluate
from tests.unit.local.aws.conftest import allow, policy

TABLE = "arn:aws:cassandra:us-east-1:111122223333:/keyspace/orders/table/items"
OTHER = "arn:aws:cassandra:us-east-1:111122223333:/keyspace/orders/table/other"


def deny(action: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    return allow(action, resource, **more) | {"Effect": "Deny"}


def judged(*layers: list[dict[str, Any]], action: str = "cassandra:Select", resource: str = TABLE) -> Verdict:
    names = ("identity-based policy", "session policy")
    return evaluate(
        [
            Layer(name=name, documents=(identity_policy(policy(*statements)),))
            for name, statements in zip(names, layers, strict=False)
        ],
        Request(action=action, resource=resource, context=Context()),
    )


@pytest.mark.parametrize(
    ("statements", "outcome"),
    [
        ([allow("cassandra:Select", TABLE)], Outcome.ALLOWED),
        ([allow("CASSANDRA:select", TABLE)], Outcome.ALLOWED),
        ([allow("cassandra:*")], Outcome.ALLOWED),
        ([allow("*")], Outcome.ALLOWED),
        ([allow("cassandra:Sel?ct", TABLE[:-5] + "*")], Outcome.ALLOWED),
        ([allow("cassandra:Modify", TABLE)], Outcome.SILENT),
        ([allow("cassandra:Select", OTHER)], Outcome.SILENT),
        ([allow("cassandra:Select", [OTHER, TABLE])], Outcome.ALLOWED),
        ([allow("cassandra:Select"), deny("cassandra:*", TABLE)], Outcome.DENIED),
        ([deny("cassandra:*", OTHER), allow("cassandra:Select")], Outcome.ALLOWED),
        ([{"Effect": "Allow", "NotAction": "cassandra:Modify", "Resource": "*"}], Outcome.ALLOWED),
        ([{"Effect": "Allow", "NotAction": "cassandra:select", "Resource": "*"}], Outcome.SILENT),
        ([{"Effect": "Allow", "Action": "cassandra:Select", "NotResource": OTHER}], Outcome.ALLOWED),
        ([{"Effect": "Allow", "Action": "cassandra:Select", "NotResource": TABLE}], Outcome.SILENT),
        (
            [allow("*"), {"Effect": "Deny", "NotAction": "cassandra:Modify", "NotResource": OTHER}],
            Outcome.DENIED,
        ),
    ],
)
def test_one_layer(statements: list[dict[str, Any]], outcome: Outcome) -> None:
    assert judged(statements).outcome is outcome


def test_every_layer_must_allow() -> None:
    wide, narrow = [allow("cassandra:*")], [allow("cassandra:Select", OTHER)]
    assert judged(wide, wide).allowed
    assert judged(wide, narrow).reason == "because no session policy allows the cassandra:Select action"
    assert judged(narrow, wide).reason == "because no identity-based policy allows the cassandra:Select action"


def test_an_explicit_deny_is_named_before_a_missing_allow() -> None:
    verdict = judged([allow("cassandra:Modify")], [deny("cassandra:Select")])
    assert verdict == Verdict(outcome=Outcome.DENIED, reason="with an explicit deny in a session policy")


UNKNOWN = {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}
NOTE = " (local AWS: condition key aws:SourceIp is not implemented for this request)"


def test_an_allow_whose_condition_is_not_implemented_does_not_allow() -> None:
    verdict = judged([allow("cassandra:*", **UNKNOWN)])
    assert (verdict.outcome, verdict.notes) == (Outcome.SILENT, NOTE)
    assert judged([allow("cassandra:*", **UNKNOWN), allow("cassandra:Select")]).allowed


def test_a_deny_whose_condition_is_not_implemented_denies() -> None:
    verdict = judged([allow("cassandra:*"), deny("cassandra:Select", **UNKNOWN)])
    assert (verdict.outcome, verdict.notes) == (Outcome.DENIED, NOTE)
    assert judged([allow("cassandra:*"), deny("cassandra:Modify", **UNKNOWN)]).allowed


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
@pytest.mark.parametrize("element", ["Resource", "NotResource"])
def test_a_policy_variable_in_a_resource_fails_closed(effect: str, element: str) -> None:
    variable = {"Effect": effect, "Action": "cassandra:*", element: TABLE[:-5] + "${aws:username}"}
    verdict = judged([variable] + ([allow("*")] if effect == "Deny" else []))
    assert not verdict.allowed
    assert "policy variable" in verdict.notes
