"""The code that docs/clients.md tells people to copy runs."""

import re
from pathlib import Path
from typing import Any

from cassandra.cluster import Cluster

DOCUMENT = Path(__file__).parents[3] / "docs/clients.md"


def test_the_python_client_reads_the_token_at_each_login(tmp_path: Path) -> None:
    found = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert found is not None
    token = tmp_path / "token"
    code = found[1].replace("/var/run/secrets/keyward.dev/token", str(token))
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
