from typing import Any

import pytest

from keyward_operator.clients.iam_errors import (
    IamAccessDeniedError,
    IamDeleteConflictError,
    IamError,
    IamIdentityError,
    IamLimitError,
    IamNameTakenError,
    IamNotFoundError,
    IamPrincipalError,
    IamUnavailableError,
    refusal,
)


def response(code: str, status: int, message: str = "no") -> dict[str, Any]:
    return {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("Throttling", 400, IamUnavailableError),
        ("ConcurrentModification", 409, IamUnavailableError),
        ("ServiceFailure", 500, IamUnavailableError),
        ("Whatever", 503, IamUnavailableError),
        ("ExpiredToken", 403, IamUnavailableError),
        ("AccessDenied", 403, IamAccessDeniedError),
        ("NoSuchEntity", 404, IamNotFoundError),
        ("EntityAlreadyExists", 409, IamNameTakenError),
        ("DeleteConflict", 409, IamDeleteConflictError),
        ("LimitExceeded", 409, IamLimitError),
        ("MalformedPolicyDocument", 400, IamError),
        ("InvalidInput", 400, IamError),
    ],
)
def test_each_answer_of_iam_has_its_error(code: str, status: int, kind: type[IamError]) -> None:
    error = refusal(response(code, status), "CreateRole")
    assert type(error) is kind
    assert str(error) == f"CreateRole: {code}: no"
    assert error.code == code


def test_an_unknown_principal_is_told_from_other_malformed_policies() -> None:
    said = 'Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:role/x"'
    error = refusal(response("MalformedPolicyDocument", 400, said), "CreateRole")
    assert type(error) is IamPrincipalError
    assert said in str(error)


def test_a_refused_web_identity_is_about_the_operators_own_role() -> None:
    error = refusal(response("AccessDenied", 403), "AssumeRoleWithWebIdentity")
    assert type(error) is IamIdentityError
    assert "must trust the operator's ServiceAccount" in str(error)
    assert type(refusal(response("Throttling", 400), "AssumeRoleWithWebIdentity")) is IamUnavailableError


def test_an_answer_without_details_is_an_error_all_the_same() -> None:
    assert str(refusal({}, "GetRole")) == "GetRole: Unknown: no message"
