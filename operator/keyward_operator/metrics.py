"""What the operator counts, for Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

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
DATABASE_READY = Gauge(
    "keyward_operator_database_ready",
    "1 where a KeyspacesDatabase's condition Ready holds, else 0.",
    ["namespace", "database"],
)
CERTIFICATE_EXPIRY = Gauge(
    "keyward_operator_certificate_expiry_timestamp_seconds",
    "When the certificate authority of a database ends, as Unix time.",
    ["namespace", "database"],
)
STRAY_IAM_ROLES = Gauge(
    "keyward_operator_stray_iam_roles",
    "IAM roles with this cluster's tags whose objects are gone: somebody has to delete them.",
)
