"""The examples are what the kinds accept, and fit together."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from keyward_api import names
from keyward_api.database_admission import admit_database
from keyward_api.resources.database import KeyspacesDatabase
from keyward_api.resources.models import Model
from keyward_api.resources.role import KeyspacesRole
from keyward_api.resources.user import KeyspacesUser
from keyward_api.tenants import Tenant
from local import install, quickstart

EXAMPLES = Path(__file__).parents[3] / "examples"
KINDS: dict[str, type[Model]] = {kind.__name__: kind for kind in (KeyspacesDatabase, KeyspacesRole, KeyspacesUser)}
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def manifests(example: str) -> list[dict[str, Any]]:
    """All objects of an example, as `kubectl apply -f` would send them."""
    texts = {path.name: path.read_text() for path in sorted((EXAMPLES / example).glob("*.yaml"))}
    if example == "quickstart":
        texts["2-database.yaml"] = quickstart.render(CERTIFICATE)
    return [document for name in sorted(texts) for document in yaml.safe_load_all(texts[name])]


def of_kind(example: str, kind: str) -> dict[str, Any]:
    (found,) = (manifest for manifest in manifests(example) if manifest["kind"] == kind)
    return found


def unknown_fields(given: Any, read: Any, path: str = "") -> list[str]:
    """Paths of fields that the model did not keep."""
    if isinstance(given, Mapping):
        missing = [f"{path}.{name}" for name in given if name not in read]
        return missing + [
            unknown
            for name in given.keys() & read.keys()
            for unknown in unknown_fields(given[name], read[name], f"{path}.{name}")
        ]
    if isinstance(given, list):
        return [
            unknown
            for index, item in enumerate(given)
            for unknown in unknown_fields(item, read[index], f"{path}[{index}]")
        ]
    return [] if given == read else [path]


BOTH = pytest.mark.parametrize("example", ["quickstart", "eks"])


@BOTH
def test_every_field_is_one_that_the_kinds_know(example: str) -> None:
    ours = [manifest for manifest in manifests(example) if manifest["kind"] in KINDS]
    assert {manifest["kind"] for manifest in ours} == KINDS.keys()
    for manifest in ours:
        read = KINDS[manifest["kind"]].model_validate(manifest).to_json_dict()
        assert unknown_fields(manifest["spec"], read["spec"]) == []


@BOTH
def test_kubernetes_own_objects_are_valid(example: str) -> None:
    for manifest in manifests(example):
        if manifest["kind"] not in KINDS:
            kubernetes_validate.validate(manifest, "1.35", strict=True)


@BOTH
def test_the_pod_uses_what_the_operator_makes(example: str) -> None:
    metadata = of_kind(example, "KeyspacesDatabase")["metadata"]
    database = {"namespace": metadata["namespace"], "database": metadata["name"]}
    spec = of_kind(example, "Pod")["spec"]
    environment = {entry["name"]: entry["value"] for entry in spec["containers"][0]["env"]}
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    (source,) = volumes["token"]["projected"]["sources"]
    assert f"{environment['CQLSH_HOST']}:{names.CQL_PORT}" == names.client_address(**database)
    assert source["serviceAccountToken"]["audience"] == names.token_audience(**database)
    assert volumes["ca"]["configMap"]["name"] == names.client_ca_name(metadata["name"])


@BOTH
def test_the_pods_role_is_granted_to_its_account(example: str) -> None:
    pod = of_kind(example, "Pod")
    role = of_kind(example, "KeyspacesRole")
    user = of_kind(example, "KeyspacesUser")
    account = {"kind": "ServiceAccount", "namespace": "payments", "name": pod["spec"]["serviceAccountName"]}
    db_user = next(
        entry["value"] for entry in pod["spec"]["containers"][0]["env"] if entry["name"] == "KEYWARD_DB_USER"
    )
    assert account in user["spec"]["subjects"]
    assert user["spec"]["roles"] == [role["metadata"]["name"]]
    assert db_user in role["spec"]["allow"][0]["dbUsers"]


def refused(example: str, tenants: list[dict[str, Any]]) -> set[str]:
    """The settings that keep the platform from permitting the example's database."""
    name = of_kind(example, "Namespace")["metadata"]["name"]
    own = of_kind(example, "Namespace")["metadata"].get("labels", {})
    found = admit_database(
        tenants=[Tenant.model_validate(tenant) for tenant in tenants],
        namespace_labels={"kubernetes.io/metadata.name": name, **own},
        database=KeyspacesDatabase.model_validate(of_kind(example, "KeyspacesDatabase")),
        cluster="cluster-uid",
    )
    return {violation.setting for violation in found.violations}


def test_the_values_for_eks_permit_the_example_and_not_the_quickstart() -> None:
    tenants = yaml.safe_load((EXAMPLES / "eks-values.yaml").read_text())["tenants"]
    assert refused("eks", tenants) == set()
    assert refused("quickstart", tenants) == {"tenants[].regions", "tenants[].endpointTypes"}


def test_the_local_platform_permits_both() -> None:
    tenants = install.values(ca_bundle=CERTIFICATE)["tenants"]
    assert refused("eks", tenants) == refused("quickstart", tenants) == set()
