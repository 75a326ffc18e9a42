"""The conditions of each kind, and what each can say, as the operator has them."""

from dataclasses import dataclass
from types import ModuleType

import pytest

from keyward_api.crds import KINDS
from keyward_api.names import Condition, Reason
from keyward_api.resources.database import KeyspacesDatabase
from keyward_api.resources.role import KeyspacesRole
from keyward_api.resources.user import KeyspacesUser
from keyward_operator.plan import conditions as operator_conditions
from keyward_operator.plan.agent_role import conditions as agent_role_conditions
from keyward_operator.plan.verdicts import Verdict, holds
from local.reference import conditions
from local.reference.errors import IncompleteError


def said(kind: str, condition: str) -> dict[str, list[str]]:
    (found,) = (each for each in conditions.of_kind(kind) if each.type == condition)
    return dict(found.by_status())


def test_each_kind_has_the_conditions_of_its_chains() -> None:
    found = {kind.name: [each.type for each in conditions.of_kind(kind.name)] for kind in KINDS}
    chains = (operator_conditions.CHAINS, agent_role_conditions.CHAINS)
    assert found[KeyspacesDatabase.__name__] == [Condition.READY, *(name for chain in chains for name in chain)]
    assert found[KeyspacesRole.__name__][0] == found[KeyspacesUser.__name__][0] == Condition.READY
    assert found["KeyspacesPolicy"] == []


def test_a_condition_says_what_the_checks_of_its_chain_say() -> None:
    assert said("KeyspacesDatabase", Condition.PERMITTED) == {
        "True": [Reason.PERMITTED],
        "False": [Reason.INVALID_SPEC, Reason.NOT_PERMITTED],
    }
    assert said("KeyspacesDatabase", Condition.ROLES_ASSUMABLE)["Unknown"] == [
        Reason.STS_UNAVAILABLE,
        Reason.NOT_TRIED,
    ]
    assert said("KeyspacesUser", Condition.ACTIVE)["False"] == [Reason.USER_INVALID, Reason.SUSPENDED, Reason.EXPIRED]


def test_ready_says_what_the_others_say_and_what_is_its_own() -> None:
    ready = said("KeyspacesDatabase", Condition.READY)
    assert ready["True"] == [Reason.READY]
    assert ready["False"][0] == Reason.NAME_TAKEN
    assert Reason.PENDING in ready["Unknown"]
    assert Reason.COMPILED not in [reason for reasons in ready.values() for reason in reasons]


def test_ready_says_what_keeps_an_object_from_being_deleted_and_what_it_makes_of_the_others() -> None:
    ready = said("KeyspacesIAMRole", Condition.READY)
    assert ready["False"][0] == Reason.DELETION_BLOCKED
    assert Reason.NOT_VERIFIED in ready["True"]
    assert Reason.NOT_VERIFIED not in ready["Unknown"]


@dataclass
class RoleView:
    role: KeyspacesRole | None
    others: tuple[KeyspacesUser, ...]


@dataclass
class UnclearView:
    role: KeyspacesRole | None
    user: KeyspacesUser


def of_a_role(view: RoleView) -> Verdict:
    return holds(Reason.READY, "")


def of_either(view: UnclearView) -> Verdict:
    return holds(Reason.READY, "")


def module(check: object) -> ModuleType:
    made = ModuleType("some_module")
    vars(made)["CHAINS"] = {Condition.ACTIVE: (check,)}
    return made


def only(monkeypatch: pytest.MonkeyPatch, *modules: ModuleType) -> None:
    monkeypatch.setattr(conditions, "_modules", lambda: iter(modules))


def test_the_view_of_the_checks_says_whose_conditions_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, module(of_either))
    with pytest.raises(IncompleteError, match=r"it is not clear whose .* has KeyspacesRole, KeyspacesUser"):
        conditions.all_conditions.__wrapped__()


def test_a_kind_with_conditions_must_have_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, module(of_a_role))
    with pytest.raises(IncompleteError, match=r"KeyspacesDatabase has conditions .* no CHAINS of checks for it"):
        conditions.all_conditions.__wrapped__()
