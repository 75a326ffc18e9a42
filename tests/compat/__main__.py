"""`make compat`: the driver makers' suites and our checks, direct and through the agent; writes docs/compatibility.md.

    python -m tests.compat [--suite NAME]... [--require-all]

Exit status 1 where something differs that differences.yaml does not explain. With --suite the document is left alone.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.compat import cassandra, report
from tests.compat.comparison import explanations, unexplained, unused
from tests.compat.lanes import direct_and_through
from tests.compat.runner import Comparison, passed, run_all
from tests.compat.suites.all import suites
from tests.compat.suites.suite import Suite, SuiteError


def main() -> int:
    """Returns the exit status."""
    arguments = _arguments()
    chosen = [suite for suite in suites() if not arguments.suite or suite.name in arguments.suite]
    ready, skipped = _prepare(chosen)
    if skipped and arguments.require_all:
        return 1
    table = explanations()
    with tempfile.TemporaryDirectory(prefix="keyward-compat-") as state, direct_and_through(Path(state)) as addresses:
        comparisons = run_all(ready, addresses, table)
    _show(comparisons)
    if arguments.results:
        arguments.results.write_text(json.dumps([_as_json(comparison) for comparison in comparisons], indent=1))
    if arguments.suite or skipped:
        print("docs/compatibility.md is not written: this was a part of the suites")
    else:
        report.write(comparisons, cassandra.version())
        used = [difference.reason for comparison in comparisons for difference in comparison.differences]
        for reason in unused(table, used):
            print(f"differences.yaml explains what does not happen any more: {reason}")
    return 0 if all(comparison.good for comparison in comparisons) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.compat")
    parser.add_argument("--suite", action="append", help="only this one; may be repeated", metavar="NAME")
    parser.add_argument("--require-all", action="store_true", help="fail where a suite cannot be built")
    parser.add_argument("--results", type=Path, help="write every result as JSON", metavar="FILE")
    return parser.parse_args()


def _prepare(chosen: Sequence[Suite]) -> tuple[list[Suite], bool]:
    """Those that could be built, and whether some could not."""
    ready = []
    for suite in chosen:
        try:
            suite.prepare()
            ready.append(suite)
        except SuiteError as error:
            print(f"SKIPPED {suite.name}: {error}", file=sys.stderr)
    return ready, len(ready) < len(chosen)


def _show(comparisons: Sequence[Comparison]) -> None:
    for comparison in comparisons:
        direct, through = passed(comparison.direct), passed(comparison.through)
        print(f"{comparison.suite.name}: {direct} passed direct, {through} through")
        for difference in unexplained(comparison.differences):
            print(
                f"  UNEXPLAINED {difference.name}: {difference.direct} direct, {difference.through.outcome} through: "
                f"{difference.through.message}"
            )


def _as_json(comparison: Comparison) -> dict[str, object]:
    results = {
        lane: {name: [result.outcome, result.message] for name, result in found.items()}
        for lane, found in (("direct", comparison.direct), ("through", comparison.through))
    }
    return {"suite": comparison.suite.name, **results}


if __name__ == "__main__":
    sys.exit(main())
