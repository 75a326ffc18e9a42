"""NetworkPolicies taken away for a while, to see that it was they that kept something out."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from keyward_api.names import AGENTS_NAMESPACE
from local.install import install, values
from tests.e2e.kube import Kubectl, Object
from tests.e2e.operator import operator_stopped
from tests.e2e.surroundings import Surroundings
from tests.e2e.tenants import Database
from tests.e2e.waiting import wait_for

KIND = "networkpolicies.networking.k8s.io"


def install_with(surroundings: Surroundings, **agents_policy: Any) -> None:
    """The chart as the local platform installs it, with other settings of the agents' policies."""
    chart_values = values(ca_bundle=surroundings.authority)
    chart_values["agents"]["networkPolicy"] |= agents_policy
    install(helm=surroundings.programs / "helm", kubeconfig=surroundings.kubeconfig, chart_values=chart_values)


@contextmanager
def removed(surroundings: Surroundings, name: str, namespace: str) -> Iterator[None]:
    """Without a policy of the chart inside the block; after it the release is whole again."""
    kube = surroundings.kubectl()
    kube.get(KIND, name, namespace)
    kube.delete(KIND, name, namespace)
    try:
        yield
    finally:
        install_with(surroundings)
        kube.get(KIND, name, namespace)


@contextmanager
def agents_policy_removed(database: Database) -> Iterator[None]:
    """Without the policy of a database's agents inside the block, and without an operator, who would make it again."""
    with operator_stopped(database.kube):
        database.kube.delete(KIND, agents_policy(database)["metadata"]["name"], AGENTS_NAMESPACE)
        yield
    wait_for("the operator to make the policy again", lambda: database.children(KIND), seconds=30)


def agents_policy(database: Database) -> Object:
    """What the operator made for the agents of a database."""
    (policy,) = database.children(KIND)
    return policy


def allow(kube: Kubectl, name: str, namespace: str, **spec: Any) -> None:
    """A policy for all pods of a namespace."""
    metadata = {"name": name, "namespace": namespace}
    policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata}
    kube.apply(policy | {"spec": {"podSelector": {}, **spec}})
