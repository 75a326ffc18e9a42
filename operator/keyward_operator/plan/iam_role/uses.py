"""Which databases use an IAM role: those whose compiled policies grant something as it."""

from collections.abc import Iterable

from keyward_api.iam_roles.permissions import Place
from keyward_api.resources.policy import KeyspacesPolicySpec
from keyward_operator.plan.iam_role.observed import DatabaseUse


def uses_of(*, role_name: str, account_id: str, policies: Iterable[KeyspacesPolicySpec]) -> tuple[DatabaseUse, ...]:
    """The uses of a role in the policies of its namespace's databases, by database name.

    A role is what its name is in its account: with which path a policy names it does not count.
    """
    found = []
    for policy in policies:
        database = policy.database
        rules = dict.fromkeys(rule for grant in policy.grants if grant.db_user == role_name for rule in grant.allow)
        if rules and database.account_id == account_id:
            place = Place(partition=database.partition, region=database.region, account_id=account_id)
            found.append(
                DatabaseUse(
                    name=database.name,
                    place=place,
                    agent_role_arn=database.agent_role_arn,
                    external_id=database.external_id,
                    rules=tuple(rules),
                )
            )
    return tuple(sorted(found, key=lambda use: use.name))
