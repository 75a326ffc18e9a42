"""Bare frames to local Keyspaces, cqlsh as AWS documents it, and the process."""

import contextlib
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.aws.client import Credentials
from tests.integration.local_services import ADDRESS, ARN, TO_CONNECT, LocalAws, LocalKeyspaces, allow


@contextlib.contextmanager
def connection(keyspaces: LocalKeyspaces) -> Iterator[socket.socket]:
    """A bare TLS connection."""
    with (
        socket.create_connection((ADDRESS, keyspaces.port), timeout=10) as plain,
        keyspaces.tls().wrap_socket(plain, server_hostname="cassandra.us-east-1.amazonaws.com") as secure,
    ):
        yield secure


def ask(secure: socket.socket, version: int, opcode: int, body: bytes = b"") -> tuple[int, bytes]:
    """Send one frame; opcode and body of the answer."""
    secure.sendall(struct.pack(">BBhBi", version, 0, 0, opcode, len(body)) + body)
    stream = secure.makefile("rb")
    _, _, _, answer, length = struct.unpack(">BBhBi", stream.read(9))
    return answer, stream.read(length)


STARTUP = b"\x00\x01\x00\x0bCQL_VERSION\x00\x053.0.0"


@pytest.mark.parametrize(("opcode", "body"), [(5, b""), (1, STARTUP)])
@pytest.mark.parametrize("version", [5, 6, 0x42])
def test_newer_protocol_versions_are_refused_at_once(
    local_keyspaces: LocalKeyspaces, version: int, opcode: int, body: bytes
) -> None:
    with connection(local_keyspaces) as secure:
        answer, text = ask(secure, version, opcode, body)
    assert answer == 0
    assert text[:4] == b"\x00\x00\x00\x0a"
    message = f"Invalid or unsupported protocol version ({version}); supported versions are (3/v3, 4/v4)"
    assert message.encode() in text


@pytest.mark.parametrize("version", [3, 4])
def test_a_login_begins_with_the_name_of_the_authenticator(local_keyspaces: LocalKeyspaces, version: int) -> None:
    with connection(local_keyspaces) as secure:
        _, supported = ask(secure, version, 5)
        assert b"\x00\x053.4.4" in supported
        assert b"5/v5" not in supported
        name = b"com.amazon.helenus.auth.HelenusAuthenticator"
        assert ask(secure, version, 1, STARTUP) == (3, struct.pack(">H", len(name)) + name)


def test_without_tls_nobody_answers(local_keyspaces: LocalKeyspaces) -> None:
    answer = b""
    with socket.create_connection((ADDRESS, local_keyspaces.port), timeout=10) as plain:
        plain.sendall(struct.pack(">BBhBi", 4, 0, 0, 5, 0))
        with contextlib.suppress(ConnectionResetError):
            answer = plain.recv(9)
    assert answer[:1] in (b"", b"\x15")  # nothing, or a TLS alert


# cqlsh

CQLSHRC = """\
[auth_provider]
module = cassandra_sigv4.auth
classname = SigV4AuthProvider

[connection]
hostname = {address}
port = {port}
ssl = true

[ssl]
certfile = {ca}
validate = true
"""


def cqlsh(keyspaces: LocalKeyspaces, credentials: Credentials, folder: Path, statements: str) -> str:
    """What cqlsh prints, with AWS's plug-in as its own documentation configures it."""
    cqlshrc = folder / "cqlshrc"
    cqlshrc.write_text(CQLSHRC.format(address=ADDRESS, port=keyspaces.port, ca=keyspaces.aws.certificates.ca))
    program = Path(sys.executable).with_name("cqlsh")
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "HOME": str(folder),
    }
    done = subprocess.run(
        [program, "--cqlshrc", cqlshrc, "--execute", statements],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout + done.stderr


def test_cqlsh_reads_what_init_cql_wrote(local_aws: LocalAws, local_keyspaces: LocalKeyspaces, tmp_path: Path) -> None:
    user = local_aws.user("cqlsh-reader", TO_CONNECT, allow("cassandra:Select", f"{ARN}shop/table/items"))
    printed = cqlsh(local_keyspaces, user, tmp_path, "SHOW VERSION; SELECT name FROM shop.items WHERE id = 1")
    assert "Cassandra 3.11.2 | CQL spec 3.4.4 | Native protocol v4" in printed
    assert "nuts; bolts" in printed


def test_cqlsh_writes_at_one_and_is_refused(
    local_aws: LocalAws, local_keyspaces: LocalKeyspaces, tmp_path: Path
) -> None:
    printed = cqlsh(local_keyspaces, local_aws.root, tmp_path, "INSERT INTO shop.items (id) VALUES (1)")
    assert "Consistency level ONE is not supported for this operation." in printed


# The process


def test_a_restart_keeps_the_data_and_forgets_prepared_statements(
    local_aws: LocalAws, local_keyspaces: LocalKeyspaces
) -> None:
    with local_keyspaces.session(local_aws.root) as session:
        session.execute("CREATE KEYSPACE kept WITH REPLICATION = {'class': 'SingleRegionStrategy'}")
        session.execute("CREATE TABLE kept.t (a int PRIMARY KEY)")
        session.execute("INSERT INTO kept.t (a) VALUES (7)")
        session.prepare("SELECT * FROM system.local")
    local_keyspaces.stop()
    local_keyspaces.begin()
    with local_keyspaces.session(local_aws.root) as session:
        assert session.execute("SELECT a FROM kept.t").one().a == 7
        assert session.execute(session.prepare("SELECT * FROM system.local")).one().release_version == "3.11.2"
