from typing import Any

import pytest

from keyward_api import names
from keyward_operator.children import named_owner
from keyward_operator.keys import DatabaseKey

OWNER = {names.LABEL_OWNER_NAMESPACE: "payments", names.LABEL_OWNER_NAME: "orders"}


@pytest.mark.parametrize("namespace", ["payments", "agents"])
def test_a_child_is_with_its_database_or_with_the_agents(namespace: str) -> None:
    metadata = {"namespace": namespace, "labels": OWNER}
    assert named_owner(metadata, agents_namespace="agents") == DatabaseKey("payments", "orders")


@pytest.mark.parametrize(
    "metadata",
    [
        {"namespace": "mallory", "labels": OWNER},
        {"namespace": "payments", "labels": {names.LABEL_OWNER_NAMESPACE: "payments"}},
        {"namespace": "payments", "labels": {**OWNER, names.LABEL_OWNER_NAME: ""}},
        {"namespace": "payments"},
        {"labels": OWNER},
    ],
)
def test_other_labels_name_nobody(metadata: dict[str, Any]) -> None:
    assert named_owner(metadata, agents_namespace="agents") is None
