"""What local Keyspaces is told."""

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from local.aws.authentication import LoginRefused
from local.aws.cassandra_login import CassandraLogin
from local.aws.client import Credentials
from local.aws.keyspaces import Decision, Session
from local.aws.sigv4 import signing_key
from tests.unit.local.aws.conftest import ACCOUNT, Account, allow, policy, trust

ITEMS = f"arn:aws:cassandra:us-east-1:{ACCOUNT}:/keyspace/orders/table/items"
OTHER = f"arn:aws:cassandra:us-east-1:{ACCOUNT}:/keyspace/orders/table/other"
SYSTEM = f"arn:aws:cassandra:us-east-1:{ACCOUNT}:/keyspace/system/table/local"
DENY = {"Effect": "Deny", "Action": "cassandra:Modify", "Resource": "*"}


def login(
    account: Account,
    credentials: Credentials,
    *,
    region: str = "us-east-1",
    late: float = 0,
    nonce: str = "91703fdc2ef562e19fbdab0f58e42fe5",
) -> CassandraLogin:
    moment = datetime.fromtimestamp(account.clock() - late, UTC)
    unsigned = CassandraLogin(
        access_key_id=credentials.access_key_id,
        nonce=nonce,
        amzdate=moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z",
        region=region,
        signature="",
    )
    digest = hashlib.sha256(unsigned.canonical_request().encode()).hexdigest()
    text = "\n".join(("AWS4-HMAC-SHA256", unsigned.amzdate, unsigned.scope(), digest))
    key = signing_key(credentials.secret_access_key, date=unsigned.date(), region=region, service="cassandra")
    return replace(unsigned, signature=hmac.new(key, text.encode(), hashlib.sha256).hexdigest())


@pytest.fixture
def ann(account: Account) -> Credentials:
    return account.user("ann", allow("sts:*"))


def session_of(account: Account, ann: Credentials, *statements: dict[str, Any], **more: Any) -> str:
    role = account.role("Reader", trust({"AWS": ACCOUNT}, "sts:*"), *statements)
    return account.session(ann, role, "payments@reader", **more).access_key_id


def test_a_session_logs_in(account: Account, ann: Credentials) -> None:
    session_of(account, ann)
    reader = account.session(ann, f"arn:aws:iam::{ACCOUNT}:role/Reader", "payments@reader")
    found = account.access.authenticate(login(account, reader), reader.session_token)
    assert found == Session(
        principal=f"arn:aws:sts::{ACCOUNT}:assumed-role/Reader/payments@reader",
        account=ACCOUNT,
        session=reader.access_key_id,
        expiration=int(account.clock()) + 3600,
    )
    record = account.calls[-1]
    assert (record["action"], record["principal"], record["error"]) == ("keyspaces:Authenticate", found.principal, None)


def test_a_user_logs_in_without_a_token(account: Account, ann: Credentials) -> None:
    found = account.access.authenticate(login(account, ann), None)
    assert (found.principal, found.expiration) == (f"arn:aws:iam::{ACCOUNT}:user/ann", None)


def test_a_login_that_is_not_proven(account: Account, ann: Credentials) -> None:
    role = account.role("Reader", trust({"AWS": ACCOUNT}, "sts:*"))
    reader, second = account.session(ann, role), account.session(ann, role)
    good = login(account, reader)
    stranger = replace(reader, access_key_id="ASIASTRANGERSTRANGER")
    invalid = "Authentication failure: Invalid signature"
    cases = [
        (login(account, stranger), reader.session_token, "UnknownKey"),
        (good, None, "BadToken"),
        (good, second.session_token, "BadToken"),
        (login(account, ann), reader.session_token, "BadToken"),
        (replace(good, signature="0" * 64), reader.session_token, "BadSignature"),
        (replace(good, nonce="0" * 32), reader.session_token, "BadSignature"),
        (login(account, replace(reader, secret_access_key="x")), reader.session_token, "BadSignature"),
        (login(account, reader, region="us-west-2"), reader.session_token, "BadSignature"),
        (login(account, reader, nonce="short"), reader.session_token, "BadSignature"),
        (login(account, reader, late=901), reader.session_token, "BadSignature"),
        (login(account, reader, late=-901), reader.session_token, "BadSignature"),
    ]
    for attempt, token, code in cases:
        with pytest.raises(LoginRefused) as caught:
            account.access.authenticate(attempt, token)
        assert (caught.value.code, caught.value.message) == (code, invalid)
        assert account.calls[-1]["error"]["code"] == code


def test_an_expired_session_neither_logs_in_nor_acts(account: Account, ann: Credentials) -> None:
    role = account.role("Reader", trust({"AWS": ACCOUNT}, "sts:*"), allow("cassandra:*"))
    reader = account.session(ann, role)
    assert account.access.authorize(reader.access_key_id, "cassandra:Select", [ITEMS]).allowed
    account.clock.advance(3600)
    with pytest.raises(LoginRefused, match="expired") as caught:
        account.access.authenticate(login(account, reader), reader.session_token)
    assert caught.value.code == "Expired"
    decision = account.access.authorize(reader.access_key_id, "cassandra:Select", [ITEMS])
    assert decision == Decision(allowed=False, reason="The security token included in the request is expired")


def test_an_unknown_session_may_do_nothing(account: Account) -> None:
    assert not account.access.authorize("ASIAX", "cassandra:Select", [ITEMS]).allowed


@pytest.mark.parametrize(
    ("role", "session", "action", "resources", "allowed"),
    [
        ([allow("cassandra:Select")], None, "cassandra:Select", [ITEMS], True),
        ([allow("cassandra:Select")], None, "cassandra:Modify", [ITEMS], False),
        ([], None, "cassandra:Select", [SYSTEM], False),
        ([allow("cassandra:Select", ITEMS)], None, "cassandra:Select", [ITEMS, OTHER], False),
        ([allow("cassandra:Select", [ITEMS, OTHER])], None, "cassandra:Select", [ITEMS, OTHER], True),
        ([allow("cassandra:*")], [allow("cassandra:Select", ITEMS)], "cassandra:Select", [ITEMS], True),
        ([allow("cassandra:*")], [allow("cassandra:Select", ITEMS)], "cassandra:Select", [OTHER], False),
        ([allow("cassandra:Select", ITEMS)], [allow("cassandra:*")], "cassandra:Select", [OTHER], False),
        ([allow("cassandra:*"), DENY], [allow("cassandra:*")], "cassandra:Modify", [ITEMS], False),
        ([allow("cassandra:*")], [allow("cassandra:*"), DENY], "cassandra:Modify", [ITEMS], False),
        (
            [allow("cassandra:Select", f"arn:aws:cassandra:us-east-1:{ACCOUNT}:/keyspace/system*")],
            None,
            "cassandra:Select",
            [SYSTEM],
            True,
        ),
        (
            [allow("cassandra:*", Condition={"StringEquals": {"aws:ResourceTag/stage": "test"}})],
            None,
            "cassandra:Select",
            [ITEMS],
            False,
        ),
    ],
)
def test_what_a_session_may_do(
    account: Account,
    ann: Credentials,
    role: list[dict[str, Any]],
    session: list[dict[str, Any]] | None,
    action: str,
    resources: list[str],
    allowed: bool,
) -> None:
    more = {"Policy": policy(*session)} if session else {}
    handle = session_of(account, ann, *role, **more)
    assert account.access.authorize(handle, action, resources).allowed is allowed


def test_a_denial_names_principal_action_and_resource(account: Account, ann: Credentials) -> None:
    handle = session_of(account, ann, allow("cassandra:Select", ITEMS))
    assert account.access.authorize(handle, "cassandra:Select", [ITEMS, OTHER]).reason == (
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/Reader/payments@reader is not authorized to perform: "
        f"cassandra:Select on resource: {OTHER} because no identity-based policy allows the cassandra:Select action"
    )
    assert account.calls[-1]["action"] == "cassandra:Select"
    assert account.calls[-1]["error"]["code"] == "AccessDenied"


@pytest.mark.parametrize(
    ("name", "reads", "writes"),
    [
        ("AmazonKeyspacesReadOnlyAccess", True, False),
        ("AmazonKeyspacesReadOnlyAccess_v2", True, False),
        ("AmazonKeyspacesFullAccess", True, True),
    ],
)
def test_amazons_managed_policies(account: Account, ann: Credentials, name: str, reads: bool, writes: bool) -> None:
    handle = session_of(account, ann)
    account.iam.attach_role_policy(RoleName="Reader", PolicyArn=f"arn:aws:iam::aws:policy/{name}")
    assert account.access.authorize(handle, "cassandra:Select", [ITEMS]).allowed is reads
    assert account.access.authorize(handle, "cassandra:Modify", [ITEMS]).allowed is writes


def test_a_changed_policy_counts_at_once(account: Account, ann: Credentials) -> None:
    handle = session_of(account, ann, allow("cassandra:*"))
    assert account.access.authorize(handle, "cassandra:Modify", [ITEMS]).allowed
    account.iam.put_role_policy(RoleName="Reader", PolicyName="deny", PolicyDocument=policy(DENY))
    assert "explicit deny" in account.access.authorize(handle, "cassandra:Modify", [ITEMS]).reason


def test_a_role_made_again_does_not_revive_old_sessions(account: Account, ann: Credentials) -> None:
    handle = session_of(account, ann, allow("cassandra:*"))
    account.iam.delete_role_policy(RoleName="Reader", PolicyName="own")
    account.iam.delete_role(RoleName="Reader")
    assert not account.access.authorize(handle, "cassandra:Select", [ITEMS]).allowed
    again = session_of(account, ann, allow("cassandra:*"))
    assert account.access.authorize(again, "cassandra:Select", [ITEMS]).allowed
    assert not account.access.authorize(handle, "cassandra:Select", [ITEMS]).allowed


def test_a_permissions_boundary_bounds(account: Account, ann: Credentials) -> None:
    made = account.iam.create_policy(PolicyName="bound", PolicyDocument=policy(allow("cassandra:Select")))
    handle = session_of(account, ann, allow("cassandra:*"))
    account.iam.put_role_permissions_boundary(RoleName="Reader", PermissionsBoundary=made["Policy"]["Arn"])
    assert account.access.authorize(handle, "cassandra:Select", [ITEMS]).allowed
    assert "no permissions boundary allows" in account.access.authorize(handle, "cassandra:Modify", [ITEMS]).reason
    account.iam.delete_policy(PolicyArn=made["Policy"]["Arn"])
    assert "deny in a permissions boundary" in account.access.authorize(handle, "cassandra:Select", [ITEMS]).reason


def test_the_root_may_do_everything(account: Account) -> None:
    found = account.access.authenticate(login(account, account.root), None)
    assert found.principal == f"arn:aws:iam::{ACCOUNT}:root"
    assert account.access.authorize(found.session, "cassandra:Drop", [ITEMS]).allowed
