"""What STS GetCallerIdentity returns, against the role that it should be.

Source: IAM user guide, "IAM identifiers". A session of a role is
`arn:<partition>:sts::<account>:assumed-role/<role name>/<session name>`: without the role's path, which makes no
difference, since role names are unique in an account.
"""

import re

from keyward_api.iam import parse_role_arn

_ASSUMED_ROLE = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):sts::(?P<account>[0-9]{12}):assumed-role/(?P<name>[^/]+)/[^/]+"
)


def is_session_of(caller_arn: str, *, role_arn: str) -> bool:
    """Whether the caller is a session of this role, and nobody else."""
    found = _ASSUMED_ROLE.fullmatch(caller_arn)
    role = parse_role_arn(role_arn)
    return found is not None and found.groups() == (role.partition, role.account_id, role.name)
