"""moto's IAM through our eyes."""

import pytest

from local.aws.documents import identity_policy
from local.aws.principals import Principal, PrincipalKind
from local.aws.store import Grants
from tests.unit.local.aws.conftest import ACCOUNT, Account, allow, policy, trust


@pytest.mark.parametrize(
    "name", ["AmazonKeyspacesFullAccess", "AmazonKeyspacesReadOnlyAccess", "AmazonKeyspacesReadOnlyAccess_v2"]
)
def test_amazons_policies_for_keyspaces_are_there(account: Account, name: str) -> None:
    text = account.store.managed_policy(f"arn:aws:iam::aws:policy/{name}")
    assert text is not None
    assert identity_policy(text)


def test_a_role_is_found_by_its_full_arn(account: Account) -> None:
    arn = account.role("reader", trust("*"), allow("a:b"), Path="/keyward/", MaxSessionDuration=7200)
    role = account.store.role(arn)
    assert role is not None
    assert (role.name, role.max_session_seconds, role.trust_policy) == ("reader", 7200, trust("*"))
    assert role.grants == Grants(policies=(policy(allow("a:b")),), boundary=None)
    assert account.store.role(f"arn:aws:iam::{ACCOUNT}:role/reader") is None
    assert account.store.role_arn("reader") == arn


def test_the_default_version_of_a_policy_counts(account: Account) -> None:
    arn = account.iam.create_policy(PolicyName="p", PolicyDocument=policy(allow("a:one")))["Policy"]["Arn"]
    account.iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy(allow("a:two")), SetAsDefault=True)
    assert account.store.managed_policy(arn) == policy(allow("a:two"))
    account.iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    assert account.store.managed_policy(arn) == policy(allow("a:one"))


def test_a_principal_without_its_role_has_no_grants(account: Account) -> None:
    gone = Principal(
        kind=PrincipalKind.ROLE_SESSION,
        arn="arn:aws:sts::1:assumed-role/x/y",
        account=ACCOUNT,
        user_id="AROAX:y",
        owner_arn=f"arn:aws:iam::{ACCOUNT}:role/x",
        owner_id="AROAX",
    )
    assert account.store.grants(gone) == Grants(policies=(), boundary=None)


def test_an_update_of_a_role_keeps_its_session_limit_readable(account: Account) -> None:
    arn = account.role("reader", trust("*"))
    account.iam.update_role(RoleName="reader", Description="d", MaxSessionDuration=3600)
    role = account.store.role(arn)
    assert role is not None
    assert role.max_session_seconds == 3600


def test_an_oidc_provider_is_found_by_its_url(federated: Account) -> None:
    provider = federated.store.oidc_provider("kubernetes.default.svc.cluster.local")
    assert provider is not None
    assert provider.client_ids == ("sts.amazonaws.com",)
    assert federated.store.oidc_provider("elsewhere.example") is None
