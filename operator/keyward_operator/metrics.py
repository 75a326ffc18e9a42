"""What the operator counts, for Prometheus."""

from collections.abc import Iterator

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector


class DatabaseGauge(Collector):
    """A gauge of each database, as a number: of the library's own gauges each label makes an object of a kilobyte."""

    _labelnames = ("namespace", "database")
    """As the library's own gauges have them."""

    def __init__(self, name: str, documentation: str) -> None:
        self._name = name
        self._documentation = documentation
        self._values: dict[tuple[str, str], float] = {}
        REGISTRY.register(self)

    def set(self, namespace: str, database: str, value: float) -> None:
        """Tell this value of a database from now on."""
        self._values[namespace, database] = value

    def forget(self, namespace: str, database: str) -> None:
        """Tell nothing of a database any more."""
        self._values.pop((namespace, database), None)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """What is told now."""
        family = GaugeMetricFamily(self._name, self._documentation, labels=self._labelnames)
        for labels, value in self._values.copy().items():
            family.add_metric(labels, value)
        yield family


_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

RECONCILES = Counter("keyward_operator_reconciles", "Keys worked on, by outcome.", ["reconciler", "outcome"])
RECONCILE_SECONDS = Histogram(
    "keyward_operator_reconcile_seconds", "How long a key was worked on.", ["reconciler"], buckets=_SECONDS
)
QUEUE_DEPTH = Gauge("keyward_operator_queue_depth", "Keys that wait for a worker, by the lane of the queue.", ["lane"])
QUEUE_AGE_SECONDS = Gauge(
    "keyward_operator_queue_age_seconds", "How long the key of a lane that waits longest has waited.", ["lane"]
)
ACTIVE_WORKERS = Gauge(
    "keyward_operator_active_workers", "Workers that have a key now, by the lane of the queue.", ["lane"]
)
CALL_SECONDS = Histogram(
    "keyward_operator_call_seconds",
    "How long calls to other services took: to the API server, and to AWS where the platform switched that on.",
    ["service", "operation", "outcome"],
    buckets=_SECONDS,
)
WRITES = Counter(
    "keyward_operator_writes",
    "Writes that the API server accepted. A resync without changes adds none; the Lease is not counted.",
    ["kind", "verb"],
)
IS_LEADER = Gauge("keyward_operator_is_leader", "1 while this process holds the Lease, else 0.")
SETTINGS_VALID = Gauge(
    "keyward_operator_settings_valid", "0 while the settings file is broken and the last valid one in use."
)
SETTINGS_READ = Gauge(
    "keyward_operator_settings_read_timestamp_seconds", "When the settings in use were read, as Unix time."
)
EVENTS_LOST = Counter("keyward_operator_events_lost", "Kubernetes events that the API server did not take.")
DATABASE_READY = DatabaseGauge(
    "keyward_operator_database_ready", "1 where a KeyspacesDatabase's condition Ready holds, else 0."
)
CERTIFICATE_EXPIRY = DatabaseGauge(
    "keyward_operator_certificate_expiry_timestamp_seconds",
    "When the certificate authority of a database ends, as Unix time.",
)
STRAY_IAM_ROLES = Gauge(
    "keyward_operator_stray_iam_roles",
    "IAM roles with this cluster's tags whose objects are gone: somebody has to delete them.",
)
