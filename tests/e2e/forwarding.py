"""`kubectl port-forward`, as a person at a laptop uses it."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e.kube import Kubectl


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
