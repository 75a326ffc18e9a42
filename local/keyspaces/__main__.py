"""`python -m local.keyspaces`: prepare, then become Cassandra.

The process replaces itself (execv), so signals, exit status and output are Cassandra's own: SIGTERM drains and ends
it. It prints `local keyspaces is ready` once clients can log in; its log is `<state>/cassandra.log`.
"""

import os
import resource
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from local.keyspaces import LocalKeyspacesError, configuration, java
from local.keyspaces.options import Options, parse

MAIN_CLASS = "dev.keyward.keyspaces.LocalKeyspaces"


def main(arguments: Sequence[str]) -> None:
    """Never returns: becomes Cassandra, or ends with a message."""
    options = parse(arguments)
    try:
        command = prepare(options)
    except LocalKeyspacesError as error:
        sys.exit(str(error))
    raise_file_limit()
    os.execv(command[0], command)  # noqa: S606 - a program of our own choice, no shell


def prepare(options: Options) -> list[str]:
    """Fetch, compile and write what Cassandra needs; the command that starts it."""
    jdk = java.find_jdk(os.environ)
    libraries = java.jars()
    classes = java.classes(jdk, libraries)
    folder = options.state / "conf"
    configuration.write(folder, configuration.files(options, storage_port=free_port()))
    write_identity(folder / configuration.IDENTITY, options)
    return [
        str(jdk.java),
        *java.virtual_machine_options((java.HERE / "jvm.options").read_text()),
        f"-Dcassandra.config=file://{folder}/cassandra.yaml",
        f"-Dcassandra.storagedir={options.state}/data",
        f"-Dcassandra.logdir={options.state}",
        f"-Dlogback.configurationFile={folder}/logback.xml",
        f"-Dkeyward.keyspaces.settings={folder}/{configuration.SETTINGS}",
        f"-XX:ErrorFile={options.state}/jvm-crash.log",
        "-cp",
        f"{folder}:{classes}:{libraries}/*",
        MAIN_CLASS,
    ]


def write_identity(path: Path, options: Options) -> None:
    """Key and certificates in one file, readable by its owner only, as Cassandra wants them."""
    key = options.key.read_text()
    if "-----BEGIN PRIVATE KEY-----" not in key:
        raise LocalKeyspacesError(
            f"{options.key} is not a PKCS #8 key in PEM without a passphrase, which is all that Cassandra reads: "
            f"convert it with `openssl pkcs8 -topk8 -nocrypt -in {options.key}`"
        )
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(key.rstrip("\n") + "\n" + options.certificate.read_text())


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def raise_file_limit() -> None:
    """Cassandra keeps every file of its data open; it inherits this limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    main(sys.argv[1:])
