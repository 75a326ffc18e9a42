"""What the operator counts, for Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

RECONCILES = Counter("keyward_operator_reconciles", "Keys worked on, by outcome.", ["outcome"])
RECONCILE_SECONDS = Histogram(
    "keyward_operator_reconcile_seconds",
    "How long a key was worked on.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
QUEUE_DEPTH = Gauge("keyward_operator_queue_depth", "Keys that wait for a worker.")
WRITES = Counter(
    "keyward_operator_writes",
    "Writes that the API server accepted. A resync without changes adds none; the Lease is not counted.",
    ["kind", "verb"],
)
IS_LEADER = Gauge("keyward_operator_is_leader", "1 while this process holds the Lease, else 0.")
SETTINGS_VALID = Gauge(
    "keyward_operator_settings_valid", "0 while the settings file is broken and the last valid one in use."
)
EVENTS_LOST = Counter("keyward_operator_events_lost", "Kubernetes events that the API server did not take.")
