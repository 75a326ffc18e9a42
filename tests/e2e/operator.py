"""The operator's Deployment: stopped, killed, asked what it did."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from keyward_api.names import LEASE_NAME, SYSTEM_NAMESPACE
from tests.e2e.kube import Kubectl, Object
from tests.e2e.waiting import NotYet, wait_for

NAME = "keyward-operator"
LABELS = "app.kubernetes.io/name=keyward,app.kubernetes.io/component=operator"


def pods(kube: Kubectl) -> list[Object]:
    """The operator's pods, those on their way out included."""
    return kube.items("pods", SYSTEM_NAMESPACE, labels=LABELS)


def names(kube: Kubectl) -> set[str]:
    """Of those pods."""
    return {pod["metadata"]["name"] for pod in pods(kube)}


@contextmanager
def operator_stopped(kube: Kubectl) -> Iterator[None]:
    """No operator runs inside the block; after it as many as before are ready again."""
    replicas = kube.get("deployment", NAME, SYSTEM_NAMESPACE)["spec"]["replicas"]
    scale(kube, 0)
    try:
        wait_for("the operator to be gone", lambda: not pods(kube), seconds=60)
        yield
    finally:
        scale(kube, replicas)
        wait_until_ready(kube)


def scale(kube: Kubectl, replicas: int) -> None:
    """Set the number of the operator's pods."""
    kube.run("scale", f"deployment/{NAME}", f"--namespace={SYSTEM_NAMESPACE}", f"--replicas={replicas}")


def wait_until_ready(kube: Kubectl) -> None:
    """Until its Deployment is as wanted."""
    status = ("rollout", "status", f"deployment/{NAME}", f"--namespace={SYSTEM_NAMESPACE}", "--timeout=90s")
    kube.run(*status, seconds=100)


def wait_until_replaced(kube: Kubectl, before: set[str]) -> None:
    """Until its Deployment is as wanted, and none of these pods is left: a leader that ends takes its time."""
    wait_until_ready(kube)

    def gone() -> bool:
        left = before & names(kube)
        if left:
            raise NotYet(f"{left} are still there")
        return True

    wait_for("the former operators to be gone", gone, seconds=60)


def leader(kube: Kubectl) -> str:
    """The pod that holds the Lease."""
    return str(kube.get("lease", LEASE_NAME, SYSTEM_NAMESPACE)["spec"].get("holderIdentity", ""))


def metric(kube: Kubectl, pod: str, name: str, label: str = "") -> float:
    """The sum of a metric of the operator over its labels, or over those with `label`; 0 where it has no sample yet."""
    labels = rf"{{.*{re.escape(label)}.*}}" if label else r"(?:{.*})?"
    samples = re.findall(rf"^{name}{labels} (\S+)$", kube.metrics(pod, SYSTEM_NAMESPACE), re.MULTILINE)
    return sum(map(float, samples))


def kill(kube: Kubectl) -> str:
    """End all operators without a word, as lost nodes would; returns the pod that leads afterwards."""
    before = names(kube)
    for name in before:
        kube.run("delete", "pod", name, f"--namespace={SYSTEM_NAMESPACE}", "--grace-period=0", "--force")

    def another() -> str:
        holder = leader(kube)
        if not holder or holder in before:
            raise NotYet(f"the Lease is held by '{holder}'")
        return holder

    return wait_for("another operator to hold the Lease", another, seconds=90)


def wait_until_settings_are_read(kube: Kubectl, since: float) -> None:
    """Until the leader reads changed settings after `since` (Unix time): the kubelet brings them within 90 s or so."""

    def read() -> bool:
        when = metric(kube, leader(kube), "keyward_operator_settings_read_timestamp_seconds")
        if when <= since:
            raise NotYet(f"they were read {since - when:.0f} s before they changed")
        return True

    wait_for("the operator to read the changed settings", read, seconds=150)
