"""Statements as Cassandra's own parsers read them, and as we do."""

from __future__ import annotations

import os

import pytest

from tests.differential.__main__ import WANTED
from tests.differential.campaign import PROCESSES, run
from tests.differential.generator import Case, Generator, Origin

pytestmark = pytest.mark.first

COUNT = 50_000


@pytest.mark.timeout(900)
def test_cassandra_reads_no_statement_otherwise_than_we_do() -> None:
    seed = int(os.environ.get("KEYWARD_SEED", "1"))
    total = run(COUNT, seed, processes=PROCESSES, progress=lambda _: None)
    assert not total.failures, "\n".join(map(str, total.failures))
    assert total.cases >= COUNT
    assert total.accepted >= WANTED, total.refused


def test_a_seed_makes_the_same_statements_again() -> None:
    def cases(seed: int) -> list[Case]:
        generator = Generator(seed)
        return [generator.case() for _ in range(300)]

    assert cases(7) == cases(7) != cases(8)
    assert {case.origin for case in cases(7)} == set(Origin)
