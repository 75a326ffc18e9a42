"""docs/compatibility.md: what `make compat` found, and nothing that changes from run to run without a cause."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.compat.comparison import Difference
from tests.compat.results import Outcome
from tests.compat.runner import Comparison, passed

DOCUMENT = Path(__file__).parents[2] / "docs" / "compatibility.md"
_INTRODUCTION = Path(__file__).with_name("introduction.md")


def write(comparisons: Sequence[Comparison], cassandra: str, path: Path = DOCUMENT) -> None:
    """Write the document."""
    path.write_text(text(comparisons, cassandra))


def text(comparisons: Sequence[Comparison], cassandra: str) -> str:
    """The document."""
    parts = [
        _INTRODUCTION.read_text().replace("CASSANDRA_VERSION", cassandra).rstrip(),
        "## Suites",
        _table(
            ("suite", "version", "tests", "passed direct", "passed through", "differences"),
            (_summary(comparison) for comparison in comparisons),
        ),
        _commands(comparisons),
        "## Differences",
        *(_differences(comparison) for comparison in comparisons if comparison.differences),
    ]
    return "\n\n".join(parts) + "\n"


def _summary(comparison: Comparison) -> tuple[object, ...]:
    suite = comparison.suite
    tests = sum("/" not in name for name in comparison.direct)
    differing = sum("/" not in difference.name for difference in comparison.differences)
    return (suite.name, suite.version, tests, passed(comparison.direct), passed(comparison.through), differing)


def _commands(comparisons: Sequence[Comparison]) -> str:
    lines = (f"{comparison.suite.name:31} {comparison.suite.command}" for comparison in comparisons)
    return (
        "The commands (`make compat` builds what they need and gives the address):\n```\n" + "\n".join(lines) + "\n```"
    )


def _differences(comparison: Comparison) -> str:
    by_reason: dict[str, list[Difference]] = {}
    for difference in comparison.differences:
        by_reason.setdefault(difference.reason or "**not explained**", []).append(difference)
    rows = ((reason, ", ".join(map(_change, found))) for reason, found in sorted(by_reason.items()))
    return f"### {comparison.suite.name}\n\n" + _table(("why", "tests"), rows)


def _change(difference: Difference) -> str:
    usual = (difference.direct, difference.through.outcome) == (Outcome.PASSED, Outcome.FAILED)
    return difference.name if usual else f"{difference.name} ({difference.direct} → {difference.through.outcome})"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
