"""Versions, nodes and compression."""

from cassandra import DriverException
from cassandra.cluster import NoHostAvailable, Session
from support import ADDRESS, check, connected, connections, one, table


@check("connects without being told a version")
def _(_: Session) -> None:
    with connected() as session:
        assert one(session, "SELECT key FROM system.local").key == "local"


def runs_on(version: int) -> None:
    with connected(protocol_version=version) as session:
        assert session.cluster.protocol_version == version
        name = table(session, f"on_v{version}")
        session.execute(session.prepare(f"INSERT INTO {name} (id, v) VALUES (?, ?)"), (1, "a"))
        assert one(session, f"SELECT v FROM {name} WHERE id = %s", (1,)).v == "a"


@check("runs on protocol v3")
def _(_: Session) -> None:
    runs_on(3)


@check("runs on protocol v4")
def _(_: Session) -> None:
    runs_on(4)


@check("runs on protocol v5 or is told why not")
def _(_: Session) -> None:
    try:
        runs_on(5)
    except (NoHostAvailable, DriverException) as error:
        if "protocol_version" not in str(error):
            raise


@check("sees one node and its data centre")
def _(session: Session) -> None:
    (host,) = session.cluster.metadata.all_hosts()
    assert (host.address, host.datacenter, host.is_up) == (ADDRESS, "us-east-1", True), vars(host)
    assert session.cluster.metadata.token_map is not None


def asks_for(compression: str) -> None:
    with connected(compression=compression, protocol_version=4) as session:
        assert all(connection.decompressor for connection in connections(session)), "nothing is compressed"
        name = table(session, f"compressed_{compression}")
        session.execute(f"INSERT INTO {name} (id, v) VALUES (1, %s)", ("x" * 10_000,))
        assert one(session, f"SELECT v FROM {name} WHERE id = 1").v == "x" * 10_000


@check("asks for lz4")
def _(_: Session) -> None:
    asks_for("lz4")


@check("asks for snappy")
def _(_: Session) -> None:
    asks_for("snappy")
