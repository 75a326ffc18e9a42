"""Pods that connect to one another, and how it went.

A call is made inside a container that runs already, agents' and the operator's among them: their images bring Python.
Whether it got through is told by what the other side answers, never by a mere connection.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e import manifests
from tests.e2e.kube import Kubectl, Object
from tests.e2e.waiting import NotYet, wait_for

POD = Path(__file__).parent / "pod"
DROPPED = "TimeoutError"
"""How a call ends whose packets nobody lets through."""

OTHER_PORT = 8000
"""At which nobody but the tests listens; no policy of Keyward's permits it."""

IN_FORCE_SECONDS = 30.0
"""Until a policy that was made, changed or removed counts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Peer:
    """A pod with Python in its only container."""

    kube: Kubectl
    namespace: str
    name: str

    @classmethod
    def of(cls, kube: Kubectl, pod: Object) -> "Peer":
        """The pod of this object."""
        return cls(kube=kube, namespace=pod["metadata"]["namespace"], name=pod["metadata"]["name"])

    @property
    def address(self) -> str:
        """Its own address, once it has one."""
        return wait_for(
            f"an address of {self.namespace}/{self.name}",
            lambda: str(self.kube.get("pod", self.name, self.namespace)["status"].get("podIP", "")),
            seconds=60,
        )

    def call(self, host: str, port: int, protocol: str = "http") -> str:
        """What an address answers to one request of this pod; the name of the error where it does not.

        Raises NotYet where the program could not be run.
        """
        program = (POD / "caller.py").read_text()
        command = ("exec", f"--namespace={self.namespace}", self.name, "--", "python", "-c", program)
        done = self.kube.attempt(*command, host, str(port), protocol, seconds=60)
        if done.status != 0:
            raise NotYet(done.output)
        told = json.loads(done.stdout)
        return str(told.get("answer") or told.get("error", "an end without an answer"))

    @contextmanager
    def listening(self, port: int) -> Iterator[None]:
        """Another port of this pod answers inside the block."""
        program = (POD / "listener.py").read_text()
        arguments = ("exec", "--stdin", f"--namespace={self.namespace}", self.name, "--")
        command = self.kube.command(*arguments, "python", "-u", "-c", program, "while-stdin", str(port))
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                said = process.stdout.readline()
                assert said.strip() == "listening", said + process.stdout.read()
                yield
            finally:
                process.stdin.close()
                process.wait(timeout=30)


def reaches(source: Peer, host: str, port: int, protocol: str = "http", *, seconds: float = IN_FORCE_SECONDS) -> None:
    """Wait until an address answers this pod."""

    def answered() -> bool:
        seen = source.call(host, port, protocol)
        if not seen.startswith(("HTTP/", "TLS")):
            raise NotYet(f"the call ended with {seen}")
        return True

    wait_for(f"{source.namespace}/{source.name} to reach {host}:{port}", answered, seconds=seconds)


def is_cut_off(
    source: Peer, host: str, port: int, protocol: str = "http", *, seconds: float = IN_FORCE_SECONDS
) -> None:
    """Wait until packets of this pod to an address are dropped."""

    def dropped() -> bool:
        seen = source.call(host, port, protocol)
        if seen != DROPPED:
            raise NotYet(f"the call ended with {seen}")
        return True

    wait_for(f"{source.namespace}/{source.name} to be kept from {host}:{port}", dropped, seconds=seconds)


def start_listener(kube: Kubectl, namespace: str, name: str, *ports: int) -> Peer:
    """A pod that answers at these ports, within what the agents' namespace demands of pods."""
    account = "default"
    wait_for(f"the ServiceAccount {account}", lambda: kube.find("serviceaccount", account, namespace), seconds=30)
    pod = manifests.client_pod(name, namespace, account=account, database="none")
    spec = pod["spec"]
    spec["volumes"] = []
    program = (POD / "listener.py").read_text()
    spec["containers"][0] |= {
        "command": ["python", "-u", "-c", program, "forever", *map(str, ports)],
        "readinessProbe": {"tcpSocket": {"port": ports[0]}, "periodSeconds": 1},
        "env": [],
        "volumeMounts": [],
    }
    kube.apply(pod)
    in_namespace = f"--namespace={namespace}"
    kube.run("wait", "--for=condition=Ready", f"pod/{name}", in_namespace, "--timeout=90s", seconds=100)
    return Peer(kube=kube, namespace=namespace, name=name)
