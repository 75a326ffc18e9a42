"""All suites, in the order of the document."""

from tests.compat.suites.cqlsh import Cqlsh
from tests.compat.suites.gocql import Gocql
from tests.compat.suites.programs import JavaProgram, NodeProgram, PythonProgram
from tests.compat.suites.suite import Suite

_GOCQL = {"module": "github.com/gocql/gocql", "version": "v1.7.0"}
_GOCQL_2 = {"module": "github.com/apache/cassandra-gocql-driver/v2", "version": "v2.1.2"}
_WITH_COMPRESSION = (
    "TestConsistencySerial",
    "TestPaging",
    "TestBatch",
    "TestPreparedCacheEviction",
    "TestSmallInt",
    "TestVarint",
    "TestStaticQueryInfo",
)
"""A part is enough: they differ from the others in their frames only."""


def suites() -> list[Suite]:
    """New ones; nothing is built yet."""
    return [
        Gocql(**_GOCQL, label="v4", settings=("-proto=4",)),
        Gocql(**_GOCQL, label="v3", settings=("-proto=3",)),
        Gocql(**_GOCQL, label="snappy", settings=("-proto=4", "-compressor=snappy"), tests=_WITH_COMPRESSION),
        Gocql(**_GOCQL_2, label="v4", settings=("-proto=4",)),
        Gocql(**_GOCQL_2, label="negotiated, lz4", settings=("-compressor=lz4",), tests=_WITH_COMPRESSION),
        JavaProgram(),
        NodeProgram(),
        PythonProgram(name="cassandra-driver"),
        PythonProgram(name="scylla-driver"),
        Cqlsh(),
    ]
