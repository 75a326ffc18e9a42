"""kubectl as an object: the tests' client of the API server, which shares no code with the operator's.

What comes back is what kubectl prints: objects are plain dictionaries, refusals are kubectl's own words. What only
looks at objects goes without a process of kubectl (tests/api_reader.py).
"""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.api_reader import EVERY_NAMESPACE, ReadError, reader_of

Object = dict[str, Any]


class KubectlError(AssertionError):
    """kubectl ended with a status other than 0; `stderr` holds its words."""

    def __init__(self, arguments: Sequence[str], finished: "Finished") -> None:
        super().__init__(f"kubectl {' '.join(arguments)} ended with {finished.status}: {finished.stderr.strip()}")
        self.stderr = finished.stderr


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """A program that has ended."""

    status: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        """Both streams."""
        return self.stdout + self.stderr


@dataclass(frozen=True, kw_only=True, slots=True)
class Kubectl:
    """kubectl with a kubeconfig, and possibly in another's name."""

    program: Path
    kubeconfig: Path
    username: str = ""
    """Whom to impersonate (the API server adds a ServiceAccount's groups); empty: the cluster's administrator."""

    def acting_as(self, username: str) -> "Kubectl":
        """The same cluster in the name of `username`."""
        return Kubectl(program=self.program, kubeconfig=self.kubeconfig, username=username)

    def command(self, *arguments: str) -> list[str]:
        """The command line."""
        identity = [f"--as={self.username}"] if self.username else []
        return [str(self.program), f"--kubeconfig={self.kubeconfig}", *identity, *arguments]

    def attempt(self, *arguments: str, stdin: str | None = None, seconds: float = 60) -> Finished:
        """Run kubectl; a refusal is an answer, and so is that it did not end within `seconds` (status -1)."""
        try:
            done = subprocess.run(
                self.command(*arguments),
                input=stdin if stdin is not None else "",
                capture_output=True,
                text=True,
                timeout=seconds,
                env={**os.environ, "KUBECONFIG": os.devnull},
            )
        except subprocess.TimeoutExpired:
            return Finished(status=-1, stdout="", stderr=f"kubectl did not end within {seconds:.0f} s")
        return Finished(status=done.returncode, stdout=done.stdout, stderr=done.stderr)

    def run(self, *arguments: str, stdin: str | None = None, seconds: float = 60) -> str:
        """Run kubectl and return what it printed. Raises KubectlError."""
        finished = self.attempt(*arguments, stdin=stdin, seconds=seconds)
        if finished.status != 0:
            raise KubectlError(arguments, finished)
        return finished.stdout

    def find(self, kind: str, name: str, namespace: str | None = None) -> Object | None:
        """An object, or None where there is none. Raises ReadError."""
        found = reader_of(self.kubeconfig).find(kind, name, namespace, username=self.username)
        return found and _shown(found)

    def get(self, kind: str, name: str, namespace: str | None = None) -> Object:
        """An object that must be there. Raises ReadError."""
        found = self.find(kind, name, namespace)
        if found is None:
            raise ReadError(f"there is no {kind} {namespace}/{name}")
        return found

    def items(self, kind: str, namespace: str | None = None, *, labels: str = "") -> list[Object]:
        """The objects of a kind, or of several with commas, in a namespace, in EVERY_NAMESPACE, or without one.

        Raises ReadError.
        """
        reader = reader_of(self.kubeconfig)
        listed = (reader.items(one, namespace, labels=labels, username=self.username) for one in kind.split(","))
        return [_shown(found) for some in listed for found in some]

    def apply(self, *objects: Object) -> None:
        """Apply as people do; unknown fields are errors (kubectl's default)."""
        self.run("apply", "--filename=-", stdin=_documents(objects))

    def try_apply(self, *objects: Object) -> Finished:
        """Apply; a refusal is an answer."""
        return self.attempt("apply", "--filename=-", stdin=_documents(objects))

    def try_create(self, plural: str, resource: Object, *, validation: str = "Strict") -> Finished:
        """Offer an object of Keyward's kinds to the API server without storing it.

        `validation` is what a client asks for about unknown fields: Strict, as kubectl does, Warn or Ignore.
        """
        path = f"/apis/{resource['apiVersion']}/namespaces/{resource['metadata']['namespace']}/{plural}"
        options = f"?fieldValidation={validation}&dryRun=All"
        return self.attempt("create", "--raw", path + options, "--filename=-", stdin=json.dumps(resource))

    def delete(self, kind: str, name: str, namespace: str | None = None, *, wait: bool = True) -> None:
        """Delete; nothing where there is nothing."""
        waiting = f"--wait={'true' if wait else 'false'}"
        self.run("delete", kind, name, *_in(namespace), "--ignore-not-found", waiting, seconds=120)

    def patch(self, kind: str, name: str, namespace: str | None, change: Object) -> None:
        """Merge `change` into an object."""
        self.run("patch", kind, name, *_in(namespace), "--type=merge", f"--patch={json.dumps(change)}")

    def logs(self, pod: str, namespace: str, *options: str) -> str:
        """Both streams of a pod's containers; empty where they cannot be had any more."""
        return self.attempt("logs", pod, *_in(namespace), "--all-containers", *options).stdout

    def metrics(self, pod: str, namespace: str, port: int = 8080) -> str:
        """The Prometheus text of a pod, by the API server's proxy."""
        return self.run("get", "--raw", f"/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy/metrics")

    def may(self, verb: str, resource: str, *options: str) -> bool:
        """Whether the API server says that this identity may do that."""
        return self.attempt("auth", "can-i", verb, resource, *options).stdout.strip() == "yes"


def _shown(found: Object) -> Object:
    """As kubectl shows an object, and takes it back."""
    found["metadata"].pop("managedFields", None)
    return found


def _in(namespace: str | None) -> list[str]:
    if namespace is None:
        return []
    return [namespace] if namespace == EVERY_NAMESPACE else [f"--namespace={namespace}"]


def _documents(objects: Sequence[Object]) -> str:
    # Not as a List, of which kubectl validates the items by itself instead of asking the API server to.
    return "\n---\n".join(json.dumps(resource) for resource in objects)


def condition(resource: Object, kind: str) -> Object | None:
    """A condition of an object's status."""
    conditions = resource.get("status", {}).get("conditions", [])
    return next((one for one in conditions if one["type"] == kind), None)
