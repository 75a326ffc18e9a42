"""What runs inside a client pod and needs no API server: a session reads without end, now and then another logs in.

    python -u witness.py HOST USER STATEMENT

Each read and each login is a line on stdout: a JSON object of `time` (Unix seconds), `did` (`read` or `login`), and
`failure` (empty where it succeeded).
"""

import json
import ssl
import sys
import threading
import time
from collections.abc import Callable

from cassandra.cluster import Cluster, NoHostAvailable, Session

from keyward_cqlsh import TokenFileAuthProvider

PORT = 9142
READS_EACH = 0.1
LOGINS_EACH = 3.0
"""Seconds."""


def main(host: str, user: str, statement: str) -> None:
    session = connect(host, user)

    def log_in() -> None:
        connect(host, user).cluster.shutdown()

    threading.Thread(target=repeat, args=("login", log_in, LOGINS_EACH), daemon=True).start()
    repeat("read", lambda: session.execute(statement, timeout=5), READS_EACH)


def connect(host: str, user: str) -> Session:
    cluster = Cluster(
        [host],
        port=PORT,
        protocol_version=4,
        connect_timeout=5,
        ssl_context=ssl.create_default_context(cafile="/etc/keyward/ca.crt"),
        ssl_options={"server_hostname": host},
        auth_provider=TokenFileAuthProvider(username=user),
    )
    try:
        return cluster.connect()
    except BaseException:
        cluster.shutdown()
        raise


def repeat(did: str, do: Callable[[], object], each: float) -> None:
    while True:
        begin, failure = time.time(), ""
        try:
            do()
        except NoHostAvailable as error:
            causes = error.errors.values() if isinstance(error.errors, dict) else error.errors
            failure = "; ".join(map(str, causes)) or str(error)
        except Exception as error:
            failure = f"{type(error).__name__}: {error}"
        print(json.dumps({"time": begin, "did": did, "failure": failure}), flush=True)
        time.sleep(max(0.0, begin + each - time.time()))


if __name__ == "__main__":
    main(*sys.argv[1:])
