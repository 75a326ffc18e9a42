"""The recipes of docs/clients.md, each through a rotation: no client is restarted, and its first token is long over."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.compat.addresses import TLS, Addresses, pick
from tests.compat.lanes import through
from tests.compat.manifests import DB_USER
from tests.compat.recipes.clients import BUILDERS, Client, missing

SECONDS = 30
"""The life of a token; enough for a slow machine to log in with what is left of it, which is a fifth at least."""


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recipes")


@pytest.fixture(scope="module")
def addresses(state: Path) -> Iterator[Addresses]:
    with through(state, pick(), "--token-seconds", str(SECONDS)) as running:
        yield running


@pytest.fixture(params=BUILDERS)
def client(request: pytest.FixtureRequest, addresses: Addresses, state: Path, tmp_path: Path) -> Iterator[Client]:
    if lacking := missing(request.param):
        pytest.fail(f"this machine has no {lacking}: install it, `make compat` has a recipe of docs/clients.md to try")
    agent = state / "agent"
    arguments = [addresses.through, str(TLS), str(agent / "tls.crt"), DB_USER, str(agent / "token")]
    made = Client(BUILDERS[request.param](tmp_path), arguments, tmp_path / "log")
    yield made
    made.stop()


def logins(state: Path) -> list[dict[str, Any]]:
    lines = (state / "agent" / "audit.jsonl").read_text().splitlines()
    return [record for record in map(json.loads, lines) if record["event"] == "session.start"]


@pytest.mark.timeout(400)
def test_a_client_outlives_its_first_token(client: Client, state: Path) -> None:
    assert client.ask() == "local"
    before = len(logins(state))
    over = time.monotonic() + SECONDS + 1  # whatever token it read, it is over then
    while time.monotonic() < over:
        time.sleep(0.1)
    assert client.ask() == "local"
    assert len(logins(state)) > before, "it went on with another login"
