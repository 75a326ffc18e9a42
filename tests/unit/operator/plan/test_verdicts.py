"""What checks pass on is what the compiler can say, read in its code."""

import ast
from collections.abc import Iterator
from pathlib import Path

import keyward_api
from keyward_api.names import Reason
from keyward_operator.plan import checks
from keyward_operator.plan.access import locks, roles, users
from keyward_operator.plan.verdicts import PASSED_ON, passes_on


def told_by_the_compiler(about: str = "") -> set[str]:
    """Reasons of all problems in api/; with `about`, of those that say whose they are by an argument of that name."""
    return {reason for reason, arguments in problems() if not about or about in arguments}


def problems() -> Iterator[tuple[str, set[str | None]]]:
    for path in Path(keyward_api.__file__).parent.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and ast.unparse(call.func).lower().endswith("problem"):
                given = [*call.args[:1], *(each.value for each in call.keywords if each.arg == "reason")]
                found = [ast.unparse(value) for value in given if ast.unparse(value).startswith("Reason.")]
                for text in found:
                    yield getattr(Reason, text.removeprefix("Reason.")), {each.arg for each in call.keywords}


def test_the_checks_pass_on_all_that_the_compiler_says_and_nothing_else() -> None:
    assert len(told_by_the_compiler()) >= 5
    assert set(vars(checks.something_could_not_be_compiled)[PASSED_ON]) == told_by_the_compiler()
    assert set(vars(roles.cannot_be_read)[PASSED_ON]) == told_by_the_compiler("roles")
    assert set(vars(locks.it_does_more_than_it_says)[PASSED_ON]) == told_by_the_compiler("locks")
    assert set(vars(users.something_was_left_out)[PASSED_ON]) == told_by_the_compiler("users") - {Reason.ROLE_NOT_FOUND}


def test_a_check_stays_what_it_is() -> None:
    def check(view: str) -> str:
        return view

    declared = passes_on(Reason.PENDING)(check)
    assert declared is check
    assert vars(declared)[PASSED_ON] == (Reason.PENDING,)
