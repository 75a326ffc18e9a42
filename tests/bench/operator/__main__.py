"""`python -m tests.bench.operator`: what `make bench-operator` runs.

The operator as a process, with the rights of the chart, against a real API server and etcd on this machine.
Exit status 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import random
import sys
import tempfile
from pathlib import Path

from tests.bench.operator.changes import steadily, without_leader
from tests.bench.operator.churn import churn
from tests.bench.operator.fleet import Fleet
from tests.bench.operator.outage import away
from tests.bench.operator.stage import stage
from tests.bench.operator.starts import make, resync, start_unchanged
from tests.bench.operator.table import Table


def main() -> int:
    """Run everything and print the table."""
    options = _parser().parse_args()
    print(f"seed {options.seed}, {os.cpu_count()} cores, Python {platform.python_version()}", flush=True)
    table = Table(counts_only=options.counts_only)
    with tempfile.TemporaryDirectory(prefix="keyward-bench-") as folder:
        asyncio.run(_run(options, table, Path(folder)))
    print(f"\n{table}")
    for row in table.missed:
        print(f"missed: {row.what}", file=sys.stderr)
    return int(bool(table.missed))


async def _run(options: argparse.Namespace, table: Table, folder: Path) -> None:
    chance = random.Random(options.seed)  # noqa: S311 - chance that can be had again
    fleet = Fleet(databases=options.databases, namespaces=options.namespaces)
    async with stage(fleet, table, folder) as running:
        await make(running)
        await start_unchanged(running)
        await resync(running)
        await steadily(running, seconds=options.seconds, chance=chance)
        await without_leader(running, chance)
        await churn(running, writes=options.writes, chance=chance)
        await away(running, seconds=options.outage_seconds, chance=chance)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.operator",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--databases", type=int, default=1000, help="databases, and as many roles and users")
    add("--namespaces", type=int, default=100, help="namespaces that they are spread over")
    add("--seconds", type=float, default=60, help="how long changes are made steadily")
    add("--writes", type=int, default=10_000, help="writes of the churn")
    add("--outage-seconds", type=float, default=60, help="how long the API server is away")
    add("--seed", type=int, default=random.randrange(10**6), help="of what is left to chance")  # noqa: S311
    add("--counts-only", action="store_true", help="judge no times and no sizes, which tell of the machine")
    return parser


if __name__ == "__main__":
    sys.exit(main())
