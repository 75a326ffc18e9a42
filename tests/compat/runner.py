"""Runs suites on both lanes at once and compares what came of them.

A difference that nobody explained is looked at a second time, its tests alone, on both lanes: suites have tests that
depend on time, and only what happens again counts.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.compat.addresses import Addresses
from tests.compat.comparison import Difference, Explanation, compare, unexplained
from tests.compat.results import Outcome, Results
from tests.compat.suites.suite import Suite


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """One suite, direct and through the agent."""

    suite: Suite
    direct: Results
    through: Results
    differences: list[Difference]

    @property
    def good(self) -> bool:
        """Whether something passed at all, and every difference has its reason."""
        return passed(self.direct) > 0 and not unexplained(self.differences)


def passed(results: Results) -> int:
    """How many tests passed, parts of tests (`Test/part`) not counted: their test fails with them."""
    return sum(result.outcome is Outcome.PASSED for result in results.values() if "/" not in result.name)


def run_all(suites: Sequence[Suite], addresses: Addresses, table: Sequence[Explanation]) -> list[Comparison]:
    """Each lane runs all suites in order, both lanes at once."""

    def lane(address: str) -> list[Results]:
        return [suite.run(address) for suite in suites]

    with ThreadPoolExecutor() as threads:
        through = threads.submit(lane, addresses.through)
        direct = lane(addresses.direct)
        pairs = zip(suites, direct, through.result(), strict=True)
        return [_compared(suite, ours, theirs, addresses, table) for suite, ours, theirs in pairs]


def _compared(
    suite: Suite, direct: Results, through: Results, addresses: Addresses, table: Sequence[Explanation]
) -> Comparison:
    doubtful = unexplained(compare(suite.name, direct, through, table))
    if names := sorted({difference.name.partition("/")[0] for difference in doubtful}):
        direct = direct | suite.run(addresses.direct, names)
        through = through | suite.run(addresses.through, names)
    differences = compare(suite.name, direct, through, table)
    return Comparison(suite=suite, direct=direct, through=through, differences=differences)
