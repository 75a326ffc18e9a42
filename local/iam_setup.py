"""IAM as its administrators set it up for Keyward: from `status.identity` of a KeyspacesDatabase, and nothing else.

Every call is idempotent: an existing role gets the given policies. On a real account the same is done with
`aws iam create-role` and `put-role-policy`, or with Terraform; docs/operations.md shows how.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from keyward_api.iam import POLICY_VERSION

_INLINE = "keyward"


class Administrator:
    """An administrator of IAM."""

    def __init__(self, iam: Any) -> None:  # noqa: ANN401 - boto3's clients have no types
        self._iam = iam

    def trust_cluster(self, issuer: str) -> None:
        """Register the cluster's OIDC provider, as `eksctl utils associate-iam-oidc-provider` does."""
        providers = self._iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
        suffix = ":oidc-provider/" + issuer.removeprefix("https://")
        if not any(provider["Arn"].endswith(suffix) for provider in providers):
            self._iam.create_open_id_connect_provider(
                Url=issuer, ClientIDList=["sts.amazonaws.com"], ThumbprintList=["0" * 40]
            )

    def agent_role(self, name: str, *, trust_policy: str, assumes: Sequence[str]) -> None:
        """The agents' own role: may assume the given role ARNs, tag those sessions and name their source."""
        statement = {
            "Effect": "Allow",
            "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
            "Resource": list(assumes),
        }
        self._role(name, trust_policy, [statement])

    def database_role(self, name: str, *, trust_policy: str, statements: Sequence[Mapping[str, Any]]) -> None:
        """A role that agents assume, with its own rights on Keyspaces."""
        self._role(name, trust_policy, statements)

    def operator_role(self, name: str, *, trust_policy: str, policy: Mapping[str, Any]) -> None:
        """The operator's own role, with the policy that `keyward-operator print-iam` prints."""
        self._role(name, trust_policy, policy["Statement"])

    def boundary(self, name: str, *, statements: Sequence[Mapping[str, Any]]) -> None:
        """The policy that bounds what the operator makes; one that is there stays as it is."""
        policy = json.dumps({"Version": POLICY_VERSION, "Statement": list(statements)})
        try:
            self._iam.create_policy(PolicyName=name, PolicyDocument=policy)
        except self._iam.exceptions.EntityAlreadyExistsException:
            return

    def delete_role(self, name: str) -> None:
        """Remove a role; nothing where there is none."""
        try:
            self._iam.delete_role_policy(RoleName=name, PolicyName=_INLINE)
            self._iam.delete_role(RoleName=name)
        except self._iam.exceptions.NoSuchEntityException:
            return

    def _role(self, name: str, trust_policy: str, statements: Sequence[Mapping[str, Any]]) -> None:
        try:
            self._iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust_policy)
        except self._iam.exceptions.EntityAlreadyExistsException:
            self._iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust_policy)
        policy = json.dumps({"Version": POLICY_VERSION, "Statement": list(statements)})
        self._iam.put_role_policy(RoleName=name, PolicyName=_INLINE, PolicyDocument=policy)


def keyspaces_statement(
    *actions: str, account: str, region: str, tables: Sequence[str], partition: str = "aws"
) -> dict[str, Any]:
    """An Allow of `cassandra:` actions on `keyspace/table` patterns; `system*` is always readable, as drivers need."""
    prefix = f"arn:{partition}:cassandra:{region}:{account}:/keyspace/"
    resources = [f"{prefix}{table.replace('/', '/table/')}" for table in tables]
    return {
        "Effect": "Allow",
        "Action": [f"cassandra:{action}" for action in actions],
        "Resource": [f"{prefix}system*", *resources],
    }
