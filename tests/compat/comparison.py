"""Direct and through the agent: the same pass set, or a difference that somebody explained."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.compat.results import Outcome, Result, Results

TABLE = Path(__file__).with_name("differences.yaml")


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """Why tests may end otherwise through the agent; a line of differences.yaml."""

    suites: re.Pattern[str]
    tests: re.Pattern[str]
    says: re.Pattern[str]
    """What the message of such a failure holds: another failure of the same test is none of these."""
    reason: str

    def fits(self, suite: str, result: Result) -> bool:
        """Whether this difference is meant."""
        return bool(
            self.suites.fullmatch(suite) and self.tests.fullmatch(result.name) and self.says.search(result.message)
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One test that ended otherwise through the agent."""

    name: str
    direct: Outcome
    through: Result
    reason: str
    """Empty: nobody explained it."""


def explanations(path: Path = TABLE) -> list[Explanation]:
    """The table of the repository."""
    return [
        Explanation(
            suites=re.compile(line["suites"]),
            tests=re.compile(line["tests"]),
            says=re.compile(line.get("says", "")),
            reason=line["reason"],
        )
        for line in yaml.safe_load(path.read_text())
    ]


def compare(suite: str, direct: Results, through: Results, table: Sequence[Explanation]) -> list[Difference]:
    """What differs, by name; of a test that did not come to its parts (`Test/part`), the test alone."""
    found: dict[str, Difference] = {}
    for name in sorted(direct.keys() | through.keys()):
        ours, theirs = direct.get(name), through.get(name)
        if _outcome(ours) == _outcome(theirs) or (theirs is None and _ancestors(name) & found.keys()):
            continue
        found[name] = _difference(suite, name, ours, theirs, table)
    return list(found.values())


def unexplained(differences: Iterable[Difference]) -> list[Difference]:
    """Those that fail the run."""
    return [difference for difference in differences if not difference.reason]


def unused(table: Sequence[Explanation], used: Iterable[str]) -> list[str]:
    """Reasons that explain nothing any more: they are to be removed."""
    return [line.reason for line in table if line.reason not in set(used)]


def _ancestors(name: str) -> set[str]:
    parts = name.split("/")
    return {"/".join(parts[:depth]) for depth in range(1, len(parts))}


def _outcome(result: Result | None) -> Outcome:
    return result.outcome if result else Outcome.MISSING


def _difference(
    suite: str, name: str, direct: Result | None, through: Result | None, table: Sequence[Explanation]
) -> Difference:
    seen = through or Result(name=name, outcome=Outcome.MISSING)
    reasons = (line.reason for line in table if line.fits(suite, seen))
    return Difference(name=name, direct=_outcome(direct), through=seen, reason=next(reasons, ""))
