"""What checks pass on is what IAM's refusals can be."""

from keyward_operator.clients import iam_errors
from keyward_operator.clients.iam_errors import IamAccessDeniedError, IamError, IamIdentityError
from keyward_operator.plan.iam_role import checks
from keyward_operator.plan.verdicts import PASSED_ON


def test_every_refusal_of_iam_may_be_told() -> None:
    errors = [value for value in vars(iam_errors).values() if isinstance(value, type) and issubclass(value, IamError)]
    assert len(errors) > 5
    assert set(vars(checks._refused)[PASSED_ON]) == {error.reason for error in errors}


def test_what_keeps_the_operator_from_looking_is_told() -> None:
    told = set(vars(checks.iam_does_not_tell)[PASSED_ON])
    assert told == {IamAccessDeniedError.reason, IamIdentityError.reason}
