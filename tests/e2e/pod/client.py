"""What runs inside client pods: the Python driver, or a bare TLS socket, told what to do line by line.

    kubectl exec -i POD -- python -u -c "$(cat client.py)" HOST

A line on stdin is a JSON object `{"do": <method of Client>, ...arguments}`; its answer is a line on stdout: what the
method returns, or `{"failure": {type, message, code}}`. Times are Unix seconds of the machine's one clock, so the test
may compare them with its own.

Uses nothing but what the cqlsh image holds: cassandra-driver and keyward_cqlsh.
"""

import json
import re
import selectors
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from cassandra import ConsistencyLevel
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable, Session
from cassandra.policies import ConstantReconnectionPolicy, RoundRobinPolicy
from cassandra.query import SimpleStatement

from keyward_cqlsh import TokenFileAuthProvider

Answer = dict[str, Any]

PORT = 9142
CA_FILE = "/etc/keyward/ca.crt"
TOKEN_FILE = Path("/var/run/secrets/keyward.dev/token")

HEADER = struct.Struct(">BBhBi")
RESPONSE_V4 = 0x84
ERROR, STARTUP, AUTH_RESPONSE, AUTH_SUCCESS, QUERY = 0x00, 0x01, 0x0F, 0x10, 0x07


def failure(error: BaseException) -> Answer:
    """An error as JSON, for NoHostAvailable that of the host; `code` is the server's, None where it said nothing."""
    if isinstance(error, NoHostAvailable) and error.errors:
        causes = error.errors.values() if isinstance(error.errors, dict) else error.errors
        error = next(iter(causes))
    code = re.search(r"code=([0-9a-fA-F]{4}) ", str(error))
    return {"type": type(error).__name__, "message": str(error), "code": int(code[1], 16) if code else None}


class Reader(threading.Thread):
    """Reads without end; a read that fails is tried again for some seconds before it counts as lost."""

    def __init__(self, session: Session, cql: str, patience: float) -> None:
        super().__init__(daemon=True)
        self._session, self._cql, self._patience = session, cql, patience
        self._end = threading.Event()
        self.report: Answer = {"reads": 0, "lost": 0, "retried": 0, "longest_gap": 0.0, "failures": []}

    def run(self) -> None:
        succeeded = time.monotonic()
        while not self._end.is_set():
            lost = not self._read()
            now = time.monotonic()
            self.report["lost" if lost else "reads"] += 1
            if not lost:
                self.report["longest_gap"] = max(self.report["longest_gap"], now - succeeded)
                succeeded = now
            self._end.wait(0.02)

    def _read(self) -> bool:
        begin = time.monotonic()
        while time.monotonic() - begin < self._patience:
            try:
                self._session.execute(self._cql, timeout=2.0)
            except Exception as error:
                self.report["retried"] += 1
                self.report["failures"].append(failure(error))
                time.sleep(0.05)
            else:
                return True
        return False

    def finish(self) -> Answer:
        self._end.set()
        self.join()
        return self.report


class Wire:
    """A TLS connection that speaks the native protocol frame by frame, or whatever bytes it is given."""

    def __init__(self, host: str) -> None:
        context = ssl.create_default_context(cafile=CA_FILE)
        plain = socket.create_connection((host, PORT), timeout=10)
        self._socket = context.wrap_socket(plain, server_hostname=host)
        self._received = b""
        self.ended: float | None = None
        """When the server ended the connection."""

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def read(self, *, frames: int | None, seconds: float) -> list[Answer]:
        """Read until there are so many frames (None: until the server ends the connection), or time runs out."""
        deadline = time.monotonic() + seconds
        answers = self._frames()
        while self.ended is None and (frames is None or len(answers) < frames) and time.monotonic() < deadline:
            self._socket.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                data = self._socket.recv(65536)
            except TimeoutError:
                break
            except (ssl.SSLError, OSError):
                data = b""
            if not data:
                self.ended = time.time()
            self._received += data
            answers += self._frames()
        return answers

    def _frames(self) -> list[Answer]:
        found = []
        while len(self._received) >= HEADER.size:
            version, _, stream, opcode, length = HEADER.unpack_from(self._received)
            if version not in (0x83, RESPONSE_V4) or length < 0:
                raise ValueError(f"this is no response of CQL: {self._received[:64].hex()}")
            if len(self._received) < HEADER.size + length:
                break
            body = self._received[HEADER.size : HEADER.size + length]
            self._received = self._received[HEADER.size + length :]
            found.append(
                {"version": version, "stream": stream, "opcode": opcode, "body": body.hex(), **told(opcode, body)}
            )
        return found

    def half_close(self) -> None:
        """End our direction, as a client that dies does; what the server still says can be read."""
        # SSLSocket's own shutdown would forget the TLS state, so that nothing could be read any more.
        socket.socket.shutdown(self._socket, socket.SHUT_WR)

    def shut_down(self) -> None:
        """End our side without a word."""
        self._socket.close()


def told(opcode: int, body: bytes) -> Answer:
    """Code and message of an ERROR."""
    if opcode != ERROR:
        return {}
    code, length = struct.unpack_from(">iH", body)
    return {"code": code, "message": body[6 : 6 + length].decode()}


def frame(opcode: int, body: bytes, stream: int = 0) -> bytes:
    """A request of protocol version 4."""
    return HEADER.pack(0x04, 0, stream, opcode, len(body)) + body


def startup() -> bytes:
    """STARTUP without options but the version of CQL."""
    return frame(
        STARTUP, struct.pack(">H", 1) + b"".join(struct.pack(">H", len(t)) + t for t in (b"CQL_VERSION", b"3.4.4"))
    )


def plain_login(user: str, token: str) -> bytes:
    """AUTH_RESPONSE with SASL PLAIN."""
    message = b"\0".join((b"", user.encode(), token.encode()))
    return frame(AUTH_RESPONSE, struct.pack(">i", len(message)) + message)


class Client:
    """The operations; driver sessions, readers and wires have names that the test chooses."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._clusters: dict[str, Cluster] = {}
        self._sessions: dict[str, Session] = {}
        self._readers: dict[str, Reader] = {}
        self._wires: dict[str, Wire] = {}

    def token(self) -> Answer:
        """The projected token of this moment."""
        return {"token": TOKEN_FILE.read_text().strip()}

    def connect(
        self,
        name: str,
        user: str,
        password: str | None = None,
        protocol: int | None = 4,
        address: str | None = None,
    ) -> Answer:
        """A driver session; without a password the token file is read at each login. `protocol` None: negotiated.

        `address` is the contact point, the agents' name by default.
        """
        provider = TokenFileAuthProvider(username=user) if password is None else PlainTextAuthProvider(user, password)
        profile = ExecutionProfile(load_balancing_policy=RoundRobinPolicy(), request_timeout=10)
        cluster = Cluster(
            [address or self._host],
            port=PORT,
            ssl_context=ssl.create_default_context(cafile=CA_FILE),
            ssl_options={"server_hostname": self._host},
            auth_provider=provider,
            connect_timeout=15,
            reconnection_policy=ConstantReconnectionPolicy(0.25, max_attempts=None),
            execution_profiles={EXEC_PROFILE_DEFAULT: profile},
            **({} if protocol is None else {"protocol_version": protocol}),
        )
        try:
            self._sessions[name] = cluster.connect()
        except BaseException:
            cluster.shutdown()
            raise
        self._clusters[name] = cluster
        hosts = {str(host.endpoint): str(host.host_id) for host in cluster.metadata.all_hosts()}
        return {"hosts": hosts, "protocol": cluster.protocol_version, "keyspaces": sorted(cluster.metadata.keyspaces)}

    def execute(
        self, name: str, cql: str, parameters: list[Any] | None = None, prepared: bool = False, level: str | None = None
    ) -> Answer:
        """Run a statement; returns its rows."""
        session = self._sessions[name]
        statement: Any = session.prepare(cql) if prepared else SimpleStatement(cql)
        if level is not None:
            statement.consistency_level = ConsistencyLevel.name_to_value[level]
        rows = session.execute(statement, parameters or ())
        return {"rows": [[str(value) for value in row] for row in rows]}

    def until(self, name: str, cql: str, succeeds: bool, seconds: float) -> Answer:
        """Run a statement again and again until it succeeds, or until it is refused by an error of the server."""
        deadline = time.monotonic() + seconds
        last: Answer = {}
        while time.monotonic() < deadline:
            try:
                last = self.execute(name, cql) | {"at": time.time()}
                reached = succeeds
            except Exception as error:
                last = {"refused": failure(error), "at": time.time()}
                reached = not succeeds and last["refused"]["code"] is not None
            if reached:
                return {"reached": True, **last}
            time.sleep(0.05)
        return {"reached": False, **last}

    def close(self, name: str) -> Answer:
        """End a driver session."""
        del self._sessions[name]
        self._clusters.pop(name).shutdown()
        return {}

    def start_reading(self, name: str, cql: str, patience: float) -> Answer:
        """Read in the background over a session; `stop_reading` tells how it went."""
        self._readers[name] = Reader(self._sessions[name], cql, patience)
        self._readers[name].start()
        return {}

    def stop_reading(self, name: str) -> Answer:
        """End a reader."""
        return self._readers.pop(name).finish()

    def wire(self, name: str) -> Answer:
        """A TLS connection on which nothing has been said."""
        self._wires[name] = Wire(self._host)
        return {}

    def wire_login(self, name: str, user: str, token: str | None = None) -> Answer:
        """A connection that has logged in, or has been told why not."""
        self.wire(name)
        wire = self._wires[name]
        wire.send(startup())
        answers = wire.read(frames=1, seconds=15)
        wire.send(plain_login(user, self.token()["token"] if token is None else token))
        answers += wire.read(frames=1, seconds=15)
        return {"frames": answers, "in": answers[-1]["opcode"] == AUTH_SUCCESS}

    def wire_send(self, name: str, data: str) -> Answer:
        """Send bytes, given in hexadecimal."""
        self._wires[name].send(bytes.fromhex(data))
        return {"at": time.time()}

    def wire_read(self, name: str, frames: int | None, seconds: float) -> Answer:
        """Read frames, or all until the server ends the connection; `ended` says when it did."""
        wire = self._wires[name]
        return {"frames": wire.read(frames=frames, seconds=seconds), "ended": wire.ended}

    def wire_half_close(self, name: str) -> Answer:
        """Send nothing more."""
        self._wires[name].half_close()
        return {}

    def wire_close(self, name: str) -> Answer:
        """End our side."""
        self._wires.pop(name).shut_down()
        return {}

    def crowd(self, user: str, count: int) -> Answer:
        """Connections that log in and then say nothing; `in`: how many were let in."""
        names = (f"crowd {number}" for number in range(count))
        with ThreadPoolExecutor(max_workers=8) as pool:
            answers = list(pool.map(lambda name: self.wire_login(name, user), names))
        return {"in": sum(answer["in"] for answer in answers)}

    def wires_end(self, seconds: float) -> Answer:
        """When the server ended each bare connection, as far as it did within `seconds`."""
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            for wire in self._wires.values():
                selector.register(wire, selectors.EVENT_READ, wire)
            while selector.get_map() and time.monotonic() < deadline:
                for key, _ in selector.select(timeout=0.1):
                    key.data.read(frames=None, seconds=0.001)
                    if key.data.ended is not None:
                        selector.unregister(key.data)
        return {"ends": [wire.ended for wire in self._wires.values() if wire.ended is not None]}

    def plaintext(self, data: str, seconds: float) -> Answer:
        """Send bytes to the TLS port without TLS; returns what came back until the end."""
        received = b""
        with socket.create_connection((self._host, PORT), timeout=seconds) as plain:
            plain.sendall(bytes.fromhex(data))
            try:
                while part := plain.recv(4096):
                    received += part
            except TimeoutError:
                return {"received": received.hex(), "ended": False}
            except ConnectionResetError:
                return {"received": received.hex(), "ended": True}
        return {"received": received.hex(), "ended": True}


def main(host: str) -> None:
    client = Client(host)
    for line in sys.stdin:
        request = json.loads(line)
        operation: Callable[..., Answer] = getattr(client, request.pop("do"))
        try:
            answer = operation(**request)
        except Exception as error:
            answer = {"failure": failure(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
