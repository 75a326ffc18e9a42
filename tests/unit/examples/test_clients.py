"""The code that docs/clients.md tells people to copy runs."""

import re
from pathlib import Path
from typing import Any

import pytest
from cassandra.cluster import Cluster

PROJECT = Path(__file__).parents[3]
DOCUMENT = PROJECT / "docs/clients.md"
RECIPES = (
    *("python/token_file.py", "java/TokenFile.java", "go/tokenfile.go", "node/token-file.js"),
    "network-policy.yaml",
)


def test_the_python_client_reads_the_token_at_each_login(tmp_path: Path) -> None:
    found = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    token = tmp_path / "token"
    code = "\n".join(found).replace("/var/run/secrets/keyward.dev/token", str(token))
    code = code.replace("Cluster([HOST]", 'Cluster(["127.0.0.1"]')
    authority = next(Path("/etc/ssl/certs").glob("*.pem"), Path("/etc/ssl/cert.pem"))
    namespace: dict[str, Any] = {}
    exec(code.replace("/etc/keyward/ca.crt", str(authority)), namespace)  # noqa: S102 - our own documentation
    with namespace["cluster"] as cluster:
        assert isinstance(cluster, Cluster)
        authenticator = cluster.auth_provider.new_authenticator("keyward-orders.payments.svc")
        for text in ("first", "second"):
            token.write_text(f"{text}\n")
            assert authenticator.initial_response() == b"\0KeyspacesReader\0" + text.encode()


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_is_shown_as_its_file_has_it(recipe: str) -> None:
    assert (PROJECT / "examples/clients" / recipe).read_text() in DOCUMENT.read_text()
