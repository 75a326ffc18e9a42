"""Files of the state directory."""

import stat
from pathlib import Path

from local.aws.client import Credentials
from local.aws.state import admin_token, root_credential


def test_the_root_key_is_made_once_and_private(tmp_path: Path) -> None:
    state = tmp_path / "state"
    first = root_credential(state, "111122223333")
    assert root_credential(state, "111122223333") == first
    assert first.principal.arn == "arn:aws:iam::111122223333:root"
    stored = Credentials.of_root(state)
    assert (stored.access_key_id, stored.secret_access_key) == (first.access_key_id, first.secret_access_key)
    assert stat.S_IMODE((state / "root-credentials.json").stat().st_mode) == 0o600


def test_the_admin_token_is_made_once_and_private(tmp_path: Path) -> None:
    token = admin_token(tmp_path)
    assert len(token) >= 32
    assert admin_token(tmp_path) == token
    assert stat.S_IMODE((tmp_path / "admin-token").stat().st_mode) == 0o600
