"""What the agent counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class _Traffic(Collector):
    """Tells the plain byte counts when asked."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        """One counter with a label for each source."""
        family = CounterMetricFamily(
            "keyward_bytes", "Payload bytes read from clients and from Keyspaces.", labels=["source"]
        )
        family.add_metric(["client"], self._metrics.from_clients)
        family.add_metric(["keyspaces"], self._metrics.from_keyspaces)
        return [family]


class Metrics:
    """All metrics of one agent, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        self.connections = Counter(
            "keyward_connections", "Client connections, by what became of them.", ["outcome"], registry=registry
        )
        self.open = Gauge(
            "keyward_open_connections", "Open client connections, before and after login.", ["phase"], registry=registry
        )
        self.logins = Counter(
            "keyward_logins", "Logins by outcome and, where refused, its reason.", ["outcome", "reason"],
            registry=registry,
        )  # fmt: skip
        self.statements = Counter(
            "keyward_statements", "Statements by outcome, as audited.", ["outcome"], registry=registry
        )
        self.statement_seconds = Histogram(
            "keyward_statement_seconds", "From request to whole answer, where Keyspaces answered.",
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self.from_clients = 0
        """Payload bytes; a plain number, since each read adds to it."""

        self.from_keyspaces = 0
        registry.register(_Traffic(self))
        self.upstream_seconds = Histogram(
            "keyward_upstream_open_seconds", "Credentials and connection to Keyspaces, per session.",
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self.credentials = Gauge("keyward_cached_credentials", "Credentials in memory.", registry=registry)
        self.audit_lost = Counter("keyward_audit_lost", "Audit records that were not written.", registry=registry)
        self.policy_changes = Counter("keyward_policy_changes", "Policies that came into force.", registry=registry)
        self.policy_age = Gauge(
            "keyward_policy_age_seconds", "Age of the proof that the policy is current (in Kubernetes only).",
            registry=registry,
        )  # fmt: skip
        self.policy_stale = Gauge(
            "keyward_policy_stale", "1 while logins are refused because the policy may be outdated.", registry=registry
        )
        self.policy_problems = Gauge(
            "keyward_policy_problems", "What keeps changed manifests from being in force (without Kubernetes only).",
            registry=registry,
        )  # fmt: skip
        self.ready = Gauge("keyward_ready", "1 while the agent takes connections.", registry=registry)
        self.leaf_expires = Gauge(
            "keyward_leaf_not_after_seconds", "Unix time at which the server certificate ends.", registry=registry
        )
        self.errors = Counter(
            "keyward_internal_errors", "Sessions ended by a fault of the agent itself.", registry=registry
        )
