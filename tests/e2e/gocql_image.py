"""The gocql readers as an image: static Go programs and nothing else."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from local.cluster import archives, kind
from local.runner import Log
from tests.e2e.surroundings import Surroundings

SOURCE = Path(__file__).parent / "gocql"
NAME = "keyward-tests/gocql:1"
DRIVERS = ("v1", "v2")
"""The programs: of github.com/gocql/gocql, and of github.com/apache/cassandra-gocql-driver/v2."""


def load(surroundings: Surroundings) -> None:
    """Compile the readers and load the image into the cluster."""
    with tempfile.TemporaryDirectory(prefix="keyward-gocql-") as folder:
        root, archive = Path(folder, "root"), Path(folder, "gocql.tar")
        root.mkdir()
        root.chmod(0o755)
        for driver in DRIVERS:
            command = ["go", "build", "-mod=readonly", "-trimpath", "-o", root / driver, f"./{driver}"]
            environment = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}
            subprocess.run(command, cwd=SOURCE, env=environment, check=True)
        archives.write(archive, root, names=[NAME], config={"Entrypoint": ["/v1", "wait"]})
        log = Log("gocql", surroundings.state / "gocql.log", sys.stderr)
        try:
            kind.load_archive(log, archive)
        finally:
            log.close()
