"""The operator's bench, small: nothing is lost and nothing is written in vain, however fast the machine is."""

import re
import subprocess
import sys

import pytest

SMALL = ("--databases=20", "--namespaces=4", "--seconds=2", "--writes=200", "--outage-seconds=15")
COUNTS = {
    "cold start, nothing changed: writes",
    "resync, nothing changed: writes",
    "churn: policies that are not what a fresh compile gives",
    "API server away for 15 s (for 30 min, compressed): requests in the first 10 s",
    "API server away for 15 s (for 30 min, compressed): writes",
}
"""What has a goal and is the same on every machine."""


@pytest.mark.timeout(900)
def test_a_small_fleet_loses_nothing_and_writes_nothing_in_vain() -> None:
    command = [sys.executable, "-m", "tests.bench.operator", "--counts-only", *SMALL]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=840)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    judged = re.findall(r"^\| (.+?) +\|[^|]+\|[^|]+\| ok +\|$", done.stdout, flags=re.MULTILINE)
    assert set(judged) == COUNTS, done.stdout
