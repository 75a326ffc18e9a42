"""What IAM answers when it does not do what it was asked."""

from collections.abc import Mapping
from typing import Any

from keyward_api.names import Reason
from keyward_operator.errors import OperatorError


class IamError(OperatorError):
    """IAM refused, or did not answer; the message says what was asked and what IAM said."""

    reason = Reason.IAM_REFUSED

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code
        """AWS' own; empty where IAM did not answer."""


class IamUnavailableError(IamError):
    """No answer, too many calls, or somebody else's change at the same time: the same call may work later."""


class IamIdentityError(IamError):
    """The operator has no AWS identity to ask IAM with."""

    reason = Reason.NO_AWS_IDENTITY


class IamAccessDeniedError(IamError):
    """The operator's own IAM role does not permit the call."""

    reason = Reason.ACCESS_DENIED


class IamNotFoundError(IamError):
    """What the call is about does not exist, or is too new to be seen."""

    reason = Reason.IAM_ROLE_NOT_FOUND


class IamNameTakenError(IamError):
    """A role of that name exists: somebody else's, or one too new to be seen."""

    reason = Reason.NAME_TAKEN


class IamDeleteConflictError(IamError):
    """Something is attached to what shall be deleted."""

    reason = Reason.DELETION_BLOCKED


class IamPrincipalError(IamError):
    """A trust policy names a user or role that does not exist."""

    reason = Reason.PRINCIPAL_NOT_FOUND


class IamLimitError(IamError):
    """A quota of the account or of the role is used up."""

    reason = Reason.LIMIT_EXCEEDED


_LATER = frozenset(
    {
        *("Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"),
        *("ConcurrentModification", "EntityTemporarilyUnmodifiable", "ServiceFailure", "ServiceUnavailable"),
        *("InternalFailure", "RequestExpired", "ExpiredToken", "ExpiredTokenException", "IDPCommunicationError"),
    }
)
_BY_CODE: Mapping[str, type[IamError]] = {
    "AccessDenied": IamAccessDeniedError,
    "AccessDeniedException": IamAccessDeniedError,
    "NoSuchEntity": IamNotFoundError,
    "EntityAlreadyExists": IamNameTakenError,
    "DeleteConflict": IamDeleteConflictError,
    "LimitExceeded": IamLimitError,
}


def refusal(response: Mapping[str, Any], operation: str) -> IamError:
    """The error that an answer of AWS stands for; `operation` is what AWS calls it: CreateRole."""
    details = response.get("Error", {})
    code, said = str(details.get("Code", "Unknown")), str(details.get("Message", "no message"))
    message = f"{operation}: {code}: {said}"
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if operation == "AssumeRoleWithWebIdentity" and code not in _LATER and status < 500:
        return IamIdentityError(
            f"AWS does not accept the operator's own web identity ({message}): its IAM role must trust the operator's "
            "ServiceAccount",
            code=code,
        )
    if code in _LATER or status >= 500:
        return IamUnavailableError(message, code=code)
    if code == "MalformedPolicyDocument" and "principal" in said.lower():
        return IamPrincipalError(message, code=code)
    return _BY_CODE.get(code, IamError)(message, code=code)
