"""What came of a test or a check."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How it ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    MISSING = "missing"
    """It never ended: the program died before or during it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """One test of a suite."""

    name: str
    outcome: Outcome
    message: str = ""
    """Why it failed, or was skipped."""


Results = dict[str, Result]
"""By name."""
