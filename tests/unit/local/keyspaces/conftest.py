"""The options of a local Keyspaces that is never started."""

from pathlib import Path

import pytest

from local.keyspaces.options import Options


@pytest.fixture
def options(tmp_path: Path) -> Options:
    """As the command line would give them."""
    return Options(
        state=tmp_path / "state",
        listen="172.18.0.1",
        port=9142,
        aws_admin="http://127.0.0.1:8080",
        aws_admin_token_file=tmp_path / "admin-token",
        certificate=tmp_path / "keyspaces.pem",
        key=tmp_path / "keyspaces-key.pem",
        region="eu-west-1",
        account="111122223333",
        partition="aws",
        initial_cql=(tmp_path / "a.cql",),
    )
