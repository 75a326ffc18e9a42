from local.chart import snapshots


def document(kind: str, name: str) -> dict[str, object]:
    return {"kind": kind, "metadata": {"name": name}}


def test_the_order_in_which_helm_gives_objects_does_not_matter() -> None:
    documents = [document("Service", "b"), document("Service", "a"), document("Deployment", "c")]
    assert snapshots.text(documents) == snapshots.text(reversed(documents))


def test_the_kinds_are_left_to_their_own_files() -> None:
    kept = document("Service", "a")
    assert snapshots.text([kept, document("CustomResourceDefinition", "b")]) == snapshots.text([kept])
