"""Every driver's program does every check, under its one name."""

import json
import re

import pytest

from tests.compat.checks import CHECKS
from tests.compat.results import Outcome
from tests.compat.suites.programs import HERE, read_lines
from tests.compat.suites.suite import SuiteError


@pytest.mark.parametrize(
    ("program", "pattern"),
    [
        ("checks.py", r'^@check\("(.+)"\)'),
        ("java/Checks.java", r'checks\.put\(\s*"([^"]+)"'),
        ("node/checks.js", r"^checks\.set\('([^']+)'"),
    ],
)
def test_a_program_does_all_checks_in_the_order_of_the_list(program: str, pattern: str) -> None:
    assert tuple(re.findall(pattern, (HERE / program).read_text(), re.MULTILINE)) == CHECKS


def test_a_check_that_was_not_come_to_is_missing() -> None:
    line = json.dumps({"name": CHECKS[0], "outcome": "passed", "message": ""})
    found = read_lines(f"noise\n{line}\n", asked=CHECKS[:2])
    assert [found[name].outcome for name in CHECKS[:2]] == [Outcome.PASSED, Outcome.MISSING]


def test_a_name_of_its_own_is_an_error_of_the_program() -> None:
    with pytest.raises(SuiteError, match="'mine'"):
        read_lines('{"name": "mine", "outcome": "passed", "message": ""}', asked=())
