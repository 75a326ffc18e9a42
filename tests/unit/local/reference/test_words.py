"""No condition and no reason without its meaning, and none that is not there any more."""

import pytest

from keyward_api.meanings import CONDITIONS, REASONS, Meaning
from keyward_api.names import Condition, Reason
from keyward_operator.plan.iam_role.plan import AGAIN_WHERE_BLOCKED
from keyward_operator.plan.result import AGAIN_WHERE_TAKEN
from keyward_operator.reconcile.replacements import SELDOM
from keyward_proxy.aws.trials import MAXIMUM_RETRY_SECONDS
from keyward_proxy.net.reachability import QUIET_SECONDS, RETRY_SECONDS
from local.reference import words
from local.reference.errors import IncompleteError


def test_all_that_there_is_has_its_meaning() -> None:
    words.require_all()


def test_a_new_reason_must_be_given_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reason, "BRAND_NEW", "BrandNew", raising=False)
    with pytest.raises(IncompleteError, match=r"the reasons BrandNew mean is to be written in api/.*/meanings\.py"):
        words.require_all()


def test_a_new_condition_must_be_given_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Condition, "BRAND_NEW", "BrandNew", raising=False)
    with pytest.raises(IncompleteError, match="the conditions BrandNew mean"):
        words.require_all()


def test_a_meaning_of_nothing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "REASONS", {**REASONS, "Gone": Meaning(text="It was.")})
    with pytest.raises(IncompleteError, match="a meaning of the reasons Gone, which do not exist"):
        words.require_all()


def test_a_page_cannot_link_to_what_has_no_meaning() -> None:
    with pytest.raises(IncompleteError, match="the reason Unheard means"):
        words.link("Unheard")


def test_who_reads_of_a_failure_reads_what_to_do() -> None:
    fine = {Reason.NO_GRANTS}
    told = {said.reason for found in words.all_conditions() for said in found.said if said.status != "True"} - fine
    assert {reason for reason in told if not REASONS[reason].remedy} == set()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (CONDITIONS[Condition.ROLES_ASSUMABLE], f"{MAXIMUM_RETRY_SECONDS:.0f} s"),
        (REASONS[Reason.NAME_TAKEN].remedy, {10.0: "ten seconds"}[AGAIN_WHERE_TAKEN]),
        (REASONS[Reason.NAME_TAKEN].remedy, {30.0: "in IAM every thirty"}[AGAIN_WHERE_BLOCKED]),
        (REASONS[Reason.UNREACHABLE].remedy, {5.0: "every five seconds"}[RETRY_SECONDS]),
        (CONDITIONS[Condition.ENDPOINT_REACHABLE], {60.0: "once a minute"}[QUIET_SECONDS]),
        (REASONS[Reason.IDENTITY_NOT_INJECTED].text, f"{SELDOM / 60:.0f} minutes"),
    ],
)
def test_numbers_are_those_of_the_code(text: str, number: str) -> None:
    assert number in text
