"""`python -m tests.differential [--count N] [--seed N] [--processes N]`: what `make differential` runs."""

from __future__ import annotations

import argparse
import random
import sys
import time

from tests.differential.campaign import PROCESSES, Outcome, run
from tests.differential.generator import Origin
from tests.differential.verdicts import Verdict

WANTED = 0.999
"""So much of the wanted statements that both Cassandras read must be accepted."""


def main() -> int:
    """Exit status 1 where a statement was read differently, or too few were read at all."""
    parser = argparse.ArgumentParser(prog="python -m tests.differential", description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--processes", type=int, default=PROCESSES)
    options = parser.parse_args()
    print(f"{options.count} statements, seed {options.seed}, {options.processes} processes", flush=True)
    started = time.monotonic()
    last = 0.0

    def progress(total: Outcome) -> None:
        nonlocal last
        if time.monotonic() - last > 5:
            last = time.monotonic()
            print(f"  {total.cases} after {last - started:.0f} s, {len(total.failures)} read differently", flush=True)

    total = run(options.count, options.seed, processes=options.processes, progress=progress)
    report(total, time.monotonic() - started)
    return int(bool(total.failures) or total.accepted < WANTED)


def report(total: Outcome, seconds: float) -> None:
    """Print what was found."""
    print(f"{total.cases} statements in {seconds:.0f} s")
    for version in sorted({version for version, _, _ in total.counts}):
        for origin in Origin:
            counts = {verdict: total.counts[version, origin, verdict] for verdict in Verdict}
            print(
                f"  Cassandra {version}, {origin}: " + ", ".join(f"{n} {verdict}" for verdict, n in counts.items() if n)
            )
    print(f"wanted statements that both Cassandras read: {total.wanted}, accepted {100 * total.accepted:.3f} %")
    for reason, count in total.refused.most_common(20):
        print(f"  refused {count}: {reason}")
    for what, texts in total.examples.items():
        print(f"{what}, for example:")
        for text in texts:
            print(f"  {text[:300]!r}")
    for failure in total.failures:
        print(failure)


if __name__ == "__main__":
    sys.exit(main())
