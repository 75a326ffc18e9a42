"""The checks of tests/compat/checks.py with cassandra-driver, or scylla-driver, which has the same modules.

    python tests/compat/programs/python ADDRESS KEYSPACE [NAME ...]

Needs nothing but the driver.
"""

import importlib
import json
import sys

from support import CHECKS, KEYSPACE, REPLICATION, connected

PARTS = ("connecting", "schema", "statements", "batches", "values", "flags", "absent")
"""The modules with the checks, in the order of the list."""


def report(name: str, outcome: str, message: str = "") -> None:
    """One line for one check."""
    print(json.dumps({"name": name, "outcome": outcome, "message": message[:1000]}), flush=True)


def main() -> None:
    """Run all; those that fail do not end the program."""
    only = set(sys.argv[3:])
    for part in PARTS:
        importlib.import_module(part)
    with connected() as session:
        session.execute(f"DROP KEYSPACE IF EXISTS {KEYSPACE}")
        session.execute(f"CREATE KEYSPACE {KEYSPACE} WITH replication = {REPLICATION}")
        for name, function in CHECKS.items():
            if only and name not in only:
                continue
            try:
                function(session)
            except Exception as error:  # a check may fail in any way, and is recorded
                report(name, "failed", f"{type(error).__name__}: {error}")
            else:
                report(name, "passed")


if __name__ == "__main__":
    main()
