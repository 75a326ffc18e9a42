"""A plain Cassandra, as the driver makers' own suites expect one: no TLS, no login, everything switched on.

The jars are those of local Keyspaces (`local.keyspaces.java`); none of its plug-ins is loaded. The node has a loopback
address of its own, because the suites take port 9042 for granted.
"""

import json
import os
import resource
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from local.keyspaces import java

PORT = 9042
DATA_CENTER = "us-east-1"
"""The same as the agent reports, so that a driver's setting fits both."""

SECONDS_TO_START = 600.0

_LOGBACK = """\
<configuration>
  <appender name="file" class="ch.qos.logback.core.FileAppender">
    <file>{log}</file>
    <append>false</append>
    <encoder><pattern>%-5level %d{{HH:mm:ss.SSS}} [%thread] %logger{{0}} %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="file"/></root>
</configuration>
"""

_PROPERTIES = {
    "cassandra.custom_query_handler_class": "org.apache.cassandra.cql3.CustomPayloadMirroringQueryHandler",
    "cassandra.test.fail_writes_ks": "test",  # gocql's TestWriteFailure
}


_TIMEOUTS = (
    "request",
    "read_request",
    "range_request",
    "write_request",
    "counter_write_request",
    "cas_contention",
    "truncate_request",
)


class CassandraError(Exception):
    """Cassandra did not start; the message holds the end of its log."""


def version() -> str:
    """Of the jars."""
    return java.cassandra_version(java.POM.read_text())


class Cassandra:
    """One node in a process of its own."""

    def __init__(self, state: Path, address: str) -> None:
        """`state` is an empty folder for data and logs; `address` one of 127.0.0.0/8."""
        self.address = address
        self._state = state
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it takes connections; raises CassandraError."""
        if answers(self.address, PORT):
            raise CassandraError(f"something listens on {self.address}:{PORT} already: end it first")
        self._write_configuration()
        output = (self._state / "console.log").open("wb")
        self._process = subprocess.Popen(
            self._command(), stdout=output, stderr=subprocess.STDOUT, preexec_fn=_raise_file_limit
        )
        output.close()
        deadline = time.monotonic() + SECONDS_TO_START
        while not answers(self.address, PORT):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise CassandraError(f"Cassandra did not start:\n{self._end_of_logs()}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End it; what it has not flushed is of no interest."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(30)

    def _write_configuration(self) -> None:
        folder = self._state / "conf"
        folder.mkdir(parents=True, exist_ok=True)
        folder.joinpath("cassandra.yaml").write_text(json.dumps(self._yaml(), indent=1))
        folder.joinpath("cassandra-rackdc.properties").write_text(f"dc={DATA_CENTER}\nrack={DATA_CENTER}\n")
        folder.joinpath("logback.xml").write_text(_LOGBACK.format(log=self._state / "cassandra.log"))

    def _yaml(self) -> dict[str, Any]:
        data, storage_port = self._state / "data", _free_port(self.address)
        seeds = [{"seeds": f"{self.address}:{storage_port}"}]
        return {
            "cluster_name": "compat",
            "num_tokens": 1,
            "partitioner": "org.apache.cassandra.dht.Murmur3Partitioner",
            "data_file_directories": [str(data / "sstables")],
            **{f"{name}_directory": str(data / name) for name in ("commitlog", "hints", "saved_caches", "cdc_raw")},
            "commitlog_sync": "periodic",
            "commitlog_sync_period": "10000ms",
            "seed_provider": [{"class_name": "org.apache.cassandra.locator.SimpleSeedProvider", "parameters": seeds}],
            "listen_address": self.address,
            "storage_port": storage_port,
            "rpc_address": self.address,
            "native_transport_port": PORT,
            "endpoint_snitch": "GossipingPropertyFileSnitch",
            "authenticator": "AllowAllAuthenticator",
            "authorizer": "AllowAllAuthorizer",
            "user_defined_functions_enabled": True,
            "materialized_views_enabled": True,
            "sasi_indexes_enabled": True,
            **{f"{kind}_timeout": "30s" for kind in _TIMEOUTS},  # a busy machine is not what is tested
            "concurrent_reads": 8,
            "concurrent_writes": 8,
            "auto_snapshot": False,
        }

    def _command(self) -> list[str]:
        jdk, libraries = java.find_jdk(os.environ), java.jars()
        options = java.virtual_machine_options((java.HERE / "jvm.options").read_text())
        conf = self._state / "conf"
        files = {
            "cassandra.config": f"file://{conf}/cassandra.yaml",
            "cassandra.storagedir": str(self._state / "data"),
            "cassandra.logdir": str(self._state),
            "logback.configurationFile": f"{conf}/logback.xml",
        }
        return [
            str(jdk.java),
            *(option for option in options if "custom_query_handler_class" not in option),
            *(f"-D{name}={value}" for name, value in {**_PROPERTIES, **files}.items()),
            "-cp",
            f"{conf}:{libraries}/*",
            "org.apache.cassandra.service.CassandraDaemon",
        ]

    def _end_of_logs(self) -> str:
        logs = [self._state / name for name in ("console.log", "cassandra.log")]
        return "\n".join(log.read_text(errors="replace")[-2000:] for log in logs if log.exists())


def answers(address: str, port: int) -> bool:
    """Whether something accepts connections there."""
    try:
        with socket.create_connection((address, port), timeout=1):
            return True
    except OSError:
        return False


def _free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port


def _raise_file_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
