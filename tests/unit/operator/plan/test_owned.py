import copy
from typing import Any

import pytest

from keyward_api import names
from keyward_operator.plan.owned import differs, owned, status_differs

OURS = names.FieldManager.DATABASE
MANIFEST: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "a", "namespace": "n", "labels": {"x": "1"}},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"x": "1"}},
        "template": {
            "spec": {
                "containers": [
                    {"name": "agent", "args": ["--a", "--b"], "ports": [{"containerPort": 9142, "protocol": "TCP"}]}
                ]
            }
        },
    },
}
# As an API server of Kubernetes 1.35 writes it.
FIELDS = {
    "f:metadata": {"f:labels": {"f:x": {}}},
    "f:spec": {
        "f:replicas": {},
        "f:selector": {},
        "f:template": {
            "f:spec": {
                "f:containers": {
                    'k:{"name":"agent"}': {
                        ".": {},
                        "f:name": {},
                        "f:args": {},
                        "f:ports": {
                            'k:{"containerPort":9142,"protocol":"TCP"}': {
                                ".": {},
                                "f:containerPort": {},
                                "f:protocol": {},
                            }
                        },
                    }
                }
            }
        },
    },
}


def live(**changes: Any) -> dict[str, Any]:
    result = copy.deepcopy(MANIFEST)
    entry = {"manager": OURS, "operation": "Apply", "fieldsV1": FIELDS, **changes}
    result["metadata"] |= {"uid": "u", "resourceVersion": "9", "managedFields": [entry]}
    return result


def container(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["spec"]["template"]["spec"]["containers"][0]
    return found


def test_what_was_applied_does_not_differ() -> None:
    assert not differs(live(), MANIFEST)


def test_defaults_and_additions_of_others_do_not_count() -> None:
    found = live()
    container(found)["terminationMessagePath"] = "/dev/termination-log"
    found["spec"]["template"]["spec"]["containers"].append({"name": "injected", "image": "sidecar"})
    found["metadata"]["labels"]["team"] = "payments"
    found["status"] = {"replicas": 2}
    assert not differs(found, MANIFEST)


def test_what_does_not_exist_differs() -> None:
    assert differs(None, MANIFEST)


def test_a_value_that_somebody_changed_differs() -> None:
    found = live()
    container(found)["args"] = ["--a"]
    assert differs(found, MANIFEST)


def test_a_field_that_somebody_took_over_differs() -> None:
    fields = copy.deepcopy(FIELDS)
    del fields["f:spec"]["f:replicas"]
    assert differs(live(fieldsV1=fields), MANIFEST)


def test_a_field_that_is_no_longer_wanted_differs() -> None:
    fewer = copy.deepcopy(MANIFEST)
    del container(fewer)["args"]
    assert differs(live(), fewer)


def test_a_field_that_vanished_differs() -> None:
    found = live()
    del found["spec"]["replicas"]
    assert differs(found, MANIFEST)


def test_a_list_item_is_told_from_others_by_all_its_keys() -> None:
    found = live()
    container(found)["ports"].insert(0, {"containerPort": 9142, "protocol": "UDP"})
    assert not differs(found, MANIFEST)


def test_a_list_item_that_vanished_differs() -> None:
    found = live()
    found["spec"]["template"]["spec"]["containers"] = []
    assert differs(found, MANIFEST)


@pytest.mark.parametrize("entry", [{"manager": "kubectl"}, {"operation": "Update"}, {"subresource": "status"}])
def test_only_what_we_applied_is_ours(entry: dict[str, str]) -> None:
    assert owned(live(**entry), OURS) == {}
    assert differs(live(**entry), MANIFEST)


def test_values_of_sets_are_found_by_value() -> None:
    document = {
        "metadata": {
            "finalizers": ["a", "b"],
            "managedFields": [
                {"manager": OURS, "operation": "Apply", "fieldsV1": {"f:metadata": {"f:finalizers": {'v:"b"': {}}}}}
            ],
        }
    }
    assert owned(document, OURS) == {"metadata": {"finalizers": ["b"]}}


def test_status_is_compared_with_what_was_applied_to_it() -> None:
    fields = {"f:status": {"f:conditions": {'k:{"type":"Ready"}': {".": {}, "f:type": {}, "f:status": {}}}}}
    document = {
        "metadata": {
            "managedFields": [{"manager": OURS, "operation": "Apply", "subresource": "status", "fieldsV1": fields}]
        },
        "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Theirs", "status": "True"}]},
    }
    assert not status_differs(document, {"conditions": [{"type": "Ready", "status": "True"}]}, OURS)
    assert status_differs(document, {"conditions": [{"type": "Ready", "status": "False"}]}, OURS)
    assert status_differs({"metadata": {}}, {"conditions": []}, OURS)
