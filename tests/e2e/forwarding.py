"""`kubectl port-forward`, as a person at a laptop uses it."""

import re
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import Cluster

from keyward_api.names import AGENTS_NAMESPACE, EXTERNAL_CQL_PORT, client_service_name
from tests.e2e import tokens
from tests.e2e.kube import Kubectl
from tests.e2e.tenants import Database


@contextmanager
def forwarded(kube: Kubectl, target: str, namespace: str, port: int) -> Iterator[int]:
    """A port of this machine that leads to `port` of `target`, such as `service/agents`."""
    command = kube.command("port-forward", target, f"--namespace={namespace}", "--address=127.0.0.1", f":{port}")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        try:
            said = process.stdout.readline()
            found = re.search(r"127\.0\.0\.1:(\d+) ->", said)
            assert found, said + process.stdout.read()
            yield int(found[1])
        finally:
            process.terminate()


@contextmanager
def forwarded_cluster(database: Database, *, account: str, user: str) -> Iterator[Cluster]:
    """The Python driver on this machine, at a forwarded port of the agents, with a token of a ServiceAccount."""
    (service,) = (found for found in database.children("services") if found["spec"]["clusterIP"] != "None")
    token = tokens.minted(database.kube, account, database.namespace, audience=database.audience)
    name = f"{client_service_name(database.name)}.{database.namespace}.svc"
    target = f"service/{service['metadata']['name']}"
    with (
        forwarded(database.kube, target, AGENTS_NAMESPACE, EXTERNAL_CQL_PORT) as port,
        Cluster(
            ["127.0.0.1"],
            port=port,
            ssl_context=ssl.create_default_context(cadata=database.resource()["status"]["caBundle"]),
            ssl_options={"server_hostname": name},
            auth_provider=PlainTextAuthProvider(user, token),
            connect_timeout=20,
        ) as cluster,
    ):
        yield cluster
