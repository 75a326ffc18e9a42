"""The page of metrics, from the objects that the two programs count with."""

from collections.abc import Iterable, Iterator

from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.registry import Collector

from keyward_operator import metrics as operator_metrics
from keyward_proxy.metrics import Metrics
from local.tables import cell, table

_PREFIX = "keyward_"
_INTRODUCTION = """\
# Metrics
Operator and agents serve Prometheus' text format over plain HTTP, at `/metrics` on port 8080 of their pods, beside
`/healthz` and `/readyz`. Both have `process_…` and `python_…` of prometheus_client besides. A histogram `x` is asked
for as `x_bucket`, `x_sum` and `x_count`. [operations.md](../operations.md#monitoring) has alerts.
"""


def page() -> str:
    """Every metric of both programs."""
    kinds = MetricWrapperBase | operator_metrics.DatabaseGauge
    operator = (value for value in vars(operator_metrics).values() if isinstance(value, kinds))
    # A registry has no public way to its collectors, and what it tells of one that counted nothing names no labels.
    agent = Metrics().registry._collector_to_names
    return (
        _INTRODUCTION
        + f"\n## Operator\n{_table(operator)}"
        + f"\n## Agent\nEach agent counts what passes through it.\n{_table(agent)}"
    )


def _table(collectors: Iterable[Collector]) -> str:
    return table(("metric", "type", "labels", "meaning"), list(_rows(collectors)))


def _rows(collectors: Iterable[Collector]) -> Iterator[tuple[str, ...]]:
    for collector in collectors:
        for family in collector.collect():
            if not family.name.startswith(_PREFIX):
                continue
            told = {label: None for sample in family.samples for label in sample.labels if label != "le"}
            labels = ", ".join(f"`{label}`" for label in getattr(collector, "_labelnames", ()) or told)
            name = f"{family.name}_total" if family.type == "counter" else family.name
            yield f"`{name}`", family.type, labels, cell(family.documentation)
