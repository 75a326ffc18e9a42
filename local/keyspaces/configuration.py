"""Cassandra's configuration folder: text from `Options`, nothing else read.

Cassandra reads YAML, of which JSON is a part: structures are written as JSON, so nothing needs quoting by hand.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keyward_api import consistency
from local.keyspaces.options import Options

LOG = "cassandra.log"
SETTINGS = "keyspaces.json"
IDENTITY = "identity.pem"


def files(options: Options, *, storage_port: int) -> dict[str, str]:
    """What the folder `<state>/conf` holds, by file name, but for the private key.

    `storage_port` is a free port of 127.0.0.1: Cassandra opens one for other nodes, of which there are none.
    """
    return {
        "cassandra.yaml": json.dumps(cassandra_yaml(options, storage_port), indent=2),
        "cassandra-rackdc.properties": f"dc={options.region}\nrack={options.region}\n",
        "logback.xml": _LOGBACK.format(log=options.state / LOG),
        SETTINGS: json.dumps(plugin_settings(options), indent=2),
    }


def cassandra_yaml(options: Options, storage_port: int) -> dict[str, Any]:
    """The server: one node, TLS only, logins by SigV4."""
    data = options.state / "data"
    return {
        "cluster_name": "Amazon Keyspaces",
        "num_tokens": 1,
        "partitioner": "org.apache.cassandra.dht.Murmur3Partitioner",
        "data_file_directories": [str(data / "sstables")],
        **{f"{name}_directory": str(data / name) for name in ("commitlog", "hints", "saved_caches", "cdc_raw")},
        "commitlog_sync": "periodic",
        "commitlog_sync_period": "10000ms",
        "seed_provider": [
            {
                "class_name": "org.apache.cassandra.locator.SimpleSeedProvider",
                "parameters": [{"seeds": f"127.0.0.1:{storage_port}"}],
            }
        ],
        "listen_address": "127.0.0.1",
        "storage_port": storage_port,
        "rpc_address": options.listen,
        "broadcast_rpc_address": client_address(options),
        "native_transport_port": options.port,
        "client_encryption_options": {
            "enabled": True,
            "optional": False,
            "ssl_context_factory": {"class_name": "org.apache.cassandra.security.PEMBasedSslContextFactory"},
            "keystore": str(options.state / "conf" / IDENTITY),
        },
        "endpoint_snitch": "GossipingPropertyFileSnitch",
        "authenticator": "com.amazon.helenus.auth.HelenusAuthenticator",
        "authorizer": "AllowAllAuthorizer",  # the query handler asks IAM, for more than an authorizer is asked
        "role_manager": "dev.keyward.keyspaces.aws.IamRoleManager",
        "concurrent_reads": 8,
        "concurrent_writes": 8,
        "auto_snapshot": False,
    }


def plugin_settings(options: Options) -> dict[str, Any]:
    """What our plug-ins read: the fields of Settings.java."""
    return {
        "awsAdmin": options.aws_admin,
        "awsAdminTokenFile": str(options.aws_admin_token_file),
        "partition": options.partition,
        "region": options.region,
        "account": options.account,
        "address": client_address(options),
        "readLevels": _names(consistency.READ_LEVELS),
        "writeLevels": _names(consistency.WRITE_LEVELS),
        "serialLevels": _names(consistency.SERIAL_LEVELS),
        "initialCql": [str(path) for path in options.initial_cql],
    }


def client_address(options: Options) -> str:
    """The address that clients of this machine may connect to."""
    return "127.0.0.1" if options.listen == "0.0.0.0" else options.listen  # noqa: S104 - compared, not bound


def write(folder: Path, contents: Mapping[str, str]) -> None:
    """Write the files; they hold no secret."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in contents.items():
        (folder / name).write_text(text)


def _names(levels: frozenset[consistency.ConsistencyLevel]) -> list[str]:
    """In the order of their codes, as the texts of Keyspaces list them."""
    return [level.name for level in sorted(levels)]


_LOGBACK = """\
<configuration>
  <appender name="file" class="ch.qos.logback.core.FileAppender">
    <file>{log}</file>
    <append>false</append>
    <encoder><pattern>%-5level %d{{HH:mm:ss.SSS}} [%thread] %logger{{0}} %msg%n</pattern></encoder>
  </appender>
  <appender name="console" class="ch.qos.logback.core.ConsoleAppender">
    <filter class="ch.qos.logback.classic.filter.ThresholdFilter"><level>ERROR</level></filter>
    <encoder><pattern>%-5level %d{{HH:mm:ss}} %logger{{0}} %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="file"/><appender-ref ref="console"/></root>
</configuration>
"""
