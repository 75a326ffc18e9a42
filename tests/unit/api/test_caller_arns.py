import pytest

from keyward_api.caller_arns import is_session_of

ROLE = "arn:aws:iam::111122223333:role/keyward/agents/keyward-orders"


@pytest.mark.parametrize(
    ("caller", "expected"),
    [
        ("arn:aws:sts::111122223333:assumed-role/keyward-orders/orders-0", True),
        ("arn:aws:sts::111122223333:assumed-role/keyward-orders/botocore-session-1700000000", True),
        ("arn:aws:sts::111122223333:assumed-role/keyward-order/orders-0", False),
        ("arn:aws:sts::111122223333:assumed-role/agents/keyward-orders", False),
        ("arn:aws:sts::999999999999:assumed-role/keyward-orders/orders-0", False),
        ("arn:aws-cn:sts::111122223333:assumed-role/keyward-orders/orders-0", False),
        ("arn:aws:iam::111122223333:role/keyward/agents/keyward-orders", False),
        ("arn:aws:iam::111122223333:user/keyward-orders", False),
        ("arn:aws:sts::111122223333:federated-user/keyward-orders", False),
        ("arn:aws:iam::111122223333:root", False),
        ("arn:aws:sts::111122223333:assumed-role/keyward-orders/orders-0/more", False),
        ("", False),
    ],
)
def test_a_caller_is_the_role_s_session_or_somebody_else(caller: str, expected: bool) -> None:
    assert is_session_of(caller, role_arn=ROLE) is expected


def test_a_role_without_a_path_has_the_same_sessions() -> None:
    caller = "arn:aws-us-gov:sts::111122223333:assumed-role/agents/x"
    assert is_session_of(caller, role_arn="arn:aws-us-gov:iam::111122223333:role/agents")
