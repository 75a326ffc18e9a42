"""Services without selectors, and the EndpointSlices that belong to them."""

from typing import Any, cast

from local.cluster import services


def published() -> dict[tuple[str, str], dict[str, Any]]:
    documents = services.manifests("172.18.0.1", 18443, 9142)
    return {
        (cast(str, d["kind"]), cast(dict[str, Any], d["metadata"])["name"]): cast(dict[str, Any], d) for d in documents
    }


def test_there_is_a_service_and_a_slice_for_each_server() -> None:
    assert set(published()) == {
        ("Namespace", "keyward-local"),
        *((kind, name) for kind in ("Service", "EndpointSlice") for name in ("aws", "keyspaces")),
    }


def test_a_service_has_no_selector_and_the_port_of_the_real_one() -> None:
    for name, port in (("aws", 443), ("keyspaces", 9142)):
        spec = published()["Service", name]["spec"]
        assert "selector" not in spec
        assert spec["ports"][0]["port"] == port


def test_a_slice_belongs_to_its_service_and_leads_to_the_machine() -> None:
    for name, port in (("aws", 18443), ("keyspaces", 9142)):
        slice_ = published()["EndpointSlice", name]
        assert slice_["metadata"]["labels"]["kubernetes.io/service-name"] == name
        assert slice_["endpoints"][0]["addresses"] == ["172.18.0.1"]
        assert slice_["ports"][0]["port"] == port
        assert slice_["ports"][0]["name"] == published()["Service", name]["spec"]["ports"][0]["name"]
