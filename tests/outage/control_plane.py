"""The API server of the cluster, taken away and brought back."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e.kube import Kubectl
from tests.e2e.surroundings import on_node
from tests.e2e.waiting import wait_for

_MANIFEST = "/etc/kubernetes/manifests/kube-apiserver.yaml"
_ASIDE = "/etc/kubernetes/kube-apiserver.yaml"
_SELECTOR = ("--namespace=kube-system", "--selector=tier=control-plane")


@contextmanager
def api_server_away(kube: Kubectl) -> Iterator[float]:
    """Inside the block there is none, since the moment that is given (Unix seconds); afterwards all is as before."""
    on_node("mv", _MANIFEST, _ASIDE)
    try:
        wait_for("the API server to be gone", lambda: not _answers(kube), seconds=60)
        yield time.time()
    finally:
        on_node("mv", _ASIDE, _MANIFEST)
        wait_for("the API server to answer", lambda: _answers(kube), seconds=120)
        wait_for("the control plane to work", lambda: _works(kube), seconds=180)


def _answers(kube: Kubectl) -> bool:
    return kube.attempt("get", "--raw=/readyz", "--request-timeout=2s", seconds=10).status == 0


def _works(kube: Kubectl) -> bool:
    """Its other parts end when they lose their Leases, and are started again."""
    found = kube.attempt("get", "pods", *_SELECTOR, "--output=json", seconds=20)
    pods = json.loads(found.stdout)["items"] if found.status == 0 else []
    conditions = [c for pod in pods for c in pod["status"].get("conditions", ()) if c["type"] == "Ready"]
    return bool(conditions) and all(condition["status"] == "True" for condition in conditions)
