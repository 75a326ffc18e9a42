"""A client that lives on: one query for each line of its input. `main.py ADDRESS PORT CA ROLE TOKEN_FILE`."""

import ssl
import sys
import time

from cassandra.cluster import Cluster, Session
from token_file import TokenFile

address, port, authority, role, path = sys.argv[1:]


def answer(session: Session) -> str:
    """Asks again for a while: the connection may have ended, and a new one be on its way."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return str(session.execute("SELECT key FROM system.local").one().key)
        except Exception as error:  # whatever it is, it must pass
            if time.monotonic() > deadline:
                return repr(error)
            time.sleep(0.5)


cluster = Cluster(
    [address],
    port=int(port),
    auth_provider=TokenFile(role, path),
    ssl_context=ssl.create_default_context(cafile=authority),
    ssl_options={"server_hostname": address},
    connect_timeout=20,
)
session = cluster.connect()
for _ in sys.stdin:
    print(answer(session), flush=True)
