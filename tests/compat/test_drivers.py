"""A part of `make compat` that fits into every run of the tests: through the agent only, a driver of each kind.

What must pass is known from Cassandra itself, so nothing is run direct: whatever does not pass must be explained.
"""

from collections.abc import Iterator

import pytest

from tests.compat.addresses import Addresses, pick
from tests.compat.comparison import explanations
from tests.compat.lanes import through
from tests.compat.results import Outcome
from tests.compat.suites.cqlsh import Cqlsh
from tests.compat.suites.gocql import Gocql
from tests.compat.suites.programs import PythonProgram
from tests.compat.suites.suite import Suite

pytestmark = pytest.mark.first

CQLSH = ("greets with versions", "BEGIN BATCH", "COPY TO and FROM", "DESCRIBE KEYSPACE", "DESCRIBE TABLE")
GOCQL = ("TestBatch", "TestPaging", "TestPreparedCacheEviction", "TestGetHosts", "TestNilInQuery", "TestMapScanCAS")


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Addresses]:
    with through(tmp_path_factory.mktemp("compat"), pick()) as running:
        yield running


@pytest.mark.parametrize(
    ("suite", "only"),
    [
        (PythonProgram(name="cassandra-driver"), ()),
        (Cqlsh(), CQLSH),
        (
            Gocql(
                module="github.com/apache/cassandra-gocql-driver/v2",
                version="v2.1.2",
                label="negotiated",
                settings=("-proto=0",),
            ),
            GOCQL,
        ),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
@pytest.mark.timeout(600)
def test_what_a_driver_does_passes_or_is_explained(suite: Suite, only: tuple[str, ...], addresses: Addresses) -> None:
    suite.prepare()
    found = suite.run(addresses.through, only)
    table = explanations()
    wrong = [
        result
        for result in found.values()
        if result.outcome is not Outcome.PASSED and not any(line.fits(suite.name, result) for line in table)
    ]
    assert not wrong
    assert any(result.outcome is Outcome.PASSED for result in found.values())
