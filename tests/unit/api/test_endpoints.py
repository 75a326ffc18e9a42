import pytest

from keyward_api.endpoints import partition_of, resolve
from tests.unit.api.builders import ACCOUNT, database

DERIVED = [
    ("eu-central-1", "Public", "cassandra.eu-central-1.amazonaws.com"),
    ("cn-north-1", "Public", "cassandra.cn-north-1.amazonaws.com.cn"),
    ("eu-central-1", "DualStack", "cassandra.eu-central-1.api.aws"),
    ("us-east-1", "FIPS", "cassandra-fips.us-east-1.amazonaws.com"),
    ("us-gov-west-1", "FIPS", "cassandra.us-gov-west-1.amazonaws.com"),
]


@pytest.mark.parametrize(("region", "kind", "address"), DERIVED)
def test_the_name_follows_from_region_and_type(region: str, kind: str, address: str) -> None:
    spec = database(aws={"accountID": ACCOUNT, "region": region}, endpoint={"type": kind}).spec
    endpoint = resolve(spec)
    assert (endpoint.address, endpoint.server_name, endpoint.port) == (address, address, 9142)
    assert endpoint.ca_bundle is None


def test_a_custom_endpoint_is_dialled_and_verified_by_its_own_names() -> None:
    spec = database(endpoint={"type": "Custom", "address": "a.b", "serverName": "c.d", "caBundle": "PEM"}).spec
    endpoint = resolve(spec)
    assert (endpoint.address, endpoint.server_name, endpoint.ca_bundle) == ("a.b", "c.d", "PEM")


def test_an_address_that_is_missing_is_told_of() -> None:
    spec = database(endpoint={"type": "VPC"}).spec
    with pytest.raises(ValueError, match=r"of type VPC needs `endpoint\.address`"):
        resolve(spec)


@pytest.mark.parametrize(
    ("region", "partition"), [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-east-1", "aws-us-gov")]
)
def test_the_partition_follows_from_the_region(region: str, partition: str) -> None:
    assert partition_of(region) == partition
