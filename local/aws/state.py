"""Files of the state directory: the root's access key and the admin token, made once and kept."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from local.aws.principals import Credential, new_access_key_id, new_secret, root_principal

ROOT_CREDENTIALS = "root-credentials.json"
ADMIN_TOKEN = "admin-token"  # noqa: S105  (a file name)


def root_credential(state: Path, account: str) -> Credential:
    """The account's own key, which may do everything but assume roles."""
    path = state / ROOT_CREDENTIALS
    if not path.exists():
        _write(path, json.dumps({"accessKeyId": new_access_key_id("AKIA"), "secretAccessKey": new_secret()}))
    stored = json.loads(path.read_text())
    return Credential(
        access_key_id=stored["accessKeyId"],
        secret_access_key=stored["secretAccessKey"],
        principal=root_principal(account),
    )


def admin_token(state: Path) -> str:
    """The bearer token of the admin API."""
    path = state / ADMIN_TOKEN
    if not path.exists():
        _write(path, secrets.token_urlsafe(32))
    return path.read_text()


def _write(path: Path, text: str) -> None:
    """Readable by its owner only, and never seen half written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    temporary.replace(path)
