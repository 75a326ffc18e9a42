"""`values.schema.json`: helm checks values by it, and refuses every key that it does not name."""

import json
from typing import Any

from local.chart import kubernetes_types
from local.chart.values import Values

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def files() -> dict[str, str]:
    """Path below the project's folder, and text."""
    return {"charts/keyward/values.schema.json": json.dumps(schema(), indent=1) + "\n"}


def schema() -> dict[str, Any]:
    """The schema of all values."""
    made = _closed(kubernetes_types.resolve(Values.model_json_schema(by_alias=True)))
    return {"$schema": DIALECT, **made, "title": "Values of the chart keyward"}


def _closed(node: Any) -> Any:  # noqa: ANN401 - JSON
    """Without pydantic's titles, and with no object of named keys that takes others."""
    if isinstance(node, list):
        return [_closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    closed = {key: _closed(value) for key, value in node.items() if key != "title" or isinstance(value, dict)}
    if isinstance(closed.get("properties"), dict) and closed.get("type") == "object":
        closed["additionalProperties"] = False
    return {key: value for key, value in closed.items() if not key.startswith("x-kubernetes-")}
