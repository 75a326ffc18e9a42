"""`keyward-operator print-iam`: the policy that the operator's own IAM role needs under given settings."""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from keyward_api.iam_roles.operator_policy import Realm, operator_policy
from keyward_operator import settings
from keyward_operator.errors import OperatorError
from keyward_operator.help_formatter import HelpFormatter

COMMAND = "print-iam"

NOTHING = "no entry of `tenants` has an `iam.mode` of 'Verify' or 'Manage': the operator needs no rights in IAM"


class NoClusterNameError(OperatorError):
    """Roles are made below a path with the cluster's name, and nothing says what that is."""


def print_iam(arguments: Sequence[str]) -> None:
    """Print the policy as JSON; where none is needed, say so on standard error. Raises OperatorError."""
    given = _parser().parse_args(arguments)
    platform = settings.read(given.settings_file)
    cluster = given.cluster_name or platform.cluster_name
    if not cluster and any(tenant.iam.mode == "Manage" for tenant in platform.tenants):
        raise NoClusterNameError(
            "an entry of `tenants` has the `iam.mode` 'Manage', and the paths of roles hold the cluster's name: set "
            "`clusterName` in the settings, or pass --cluster-name (default: the uid of the namespace kube-system)"
        )
    realm = Realm(partition=given.partition, account_id=given.account_id, cluster=cluster)
    policy = operator_policy(platform.tenants, realm)
    if policy["Statement"]:
        print(json.dumps(policy, indent=2))
    else:
        print(NOTHING, file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"keyward-operator {COMMAND}",
        description="Prints the least policy that the operator's own IAM role needs, for the platform's settings.",
        formatter_class=HelpFormatter,
    )
    add = parser.add_argument
    add("--settings-file", type=Path, default=Path("/etc/keyward/settings.yaml"), help="the platform's settings")
    add("--account-id", type=_account, required=True, help="the AWS account of the operator's own role: 12 digits")
    add("--partition", choices=("aws", "aws-cn", "aws-us-gov"), default="aws", help="the account's partition")
    add("--cluster-name", default="", help="the cluster's name in paths and tags; empty: clusterName of the settings")
    return parser


def _account(text: str) -> str:
    if not re.fullmatch(r"[0-9]{12}", text):
        raise argparse.ArgumentTypeError(f"'{text}' is not 12 digits")
    return text
