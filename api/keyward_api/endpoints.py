"""Names of Keyspaces endpoints, and the partition of a region.

Source: Amazon Keyspaces developer guide, "Service endpoints" and "Dual-stack endpoints".
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from keyward_api.names import CQL_PORT

if TYPE_CHECKING:
    from keyward_api.resources.database import KeyspacesDatabaseSpec

Partition = Literal["aws", "aws-cn", "aws-us-gov"]

FIPS_REGIONS = frozenset({"us-east-1", "us-west-2", "us-gov-east-1", "us-gov-west-1"})
VPC_ENDPOINT_PATTERN = r"^vpce-[a-z0-9-]+[.]cassandra(-fips)?[.][a-z0-9-]+[.]vpce[.]amazonaws[.]com([.]cn)?$"


def partition_of(region: str) -> Partition:
    """The AWS partition that a region belongs to."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolvedEndpoint:
    """Where to dial, and how to verify who answers."""

    address: str
    port: int
    server_name: str
    ca_bundle: str | None
    """PEM roots; None: Amazon's own, which the agent ships."""


def resolve(spec: "KeyspacesDatabaseSpec") -> ResolvedEndpoint:
    """The endpoint of a database.

    Raises ValueError where the type needs an address and has none: the CRD refuses that, a file may not.
    """
    endpoint = spec.endpoint
    address = endpoint.address or _derived(spec.aws.region, endpoint.type)
    return ResolvedEndpoint(
        address=address,
        port=CQL_PORT,
        server_name=endpoint.server_name or address,
        ca_bundle=endpoint.ca_bundle,
    )


def _derived(region: str, endpoint_type: str) -> str:
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    match endpoint_type:
        case "Public":
            return f"cassandra.{region}.{suffix}"
        case "DualStack":
            return f"cassandra.{region}.api.aws"
        case "FIPS" if region.startswith("us-gov-"):
            return f"cassandra.{region}.{suffix}"  # GovCloud's ordinary endpoints are the FIPS ones
        case "FIPS":
            return f"cassandra-fips.{region}.{suffix}"
        case _:
            raise ValueError(f"an endpoint of type {endpoint_type} needs `endpoint.address`")
