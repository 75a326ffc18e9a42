"""The errors of STS and IAM, with the codes, HTTP statuses and texts of AWS.

Sources: "Common Errors" of the IAM and STS API references, and botocore's service models (httpStatusCode of
each exception).
"""

from __future__ import annotations

from typing import Self


class AwsError(Exception):
    """A refusal that the caller sees as an AWS error document."""

    def __init__(self, code: str, message: str, *, status: int = 400, reason: str | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.reason = reason
        """Why it was refused, for the call log: more than AWS would tell the caller."""

    @classmethod
    def access_denied(cls, message: str, *, reason: str | None = None) -> Self:
        """The caller is known but may not do this."""
        return cls("AccessDenied", message, status=403, reason=reason)

    @classmethod
    def validation(cls, message: str) -> Self:
        """A parameter breaks a documented constraint."""
        return cls("ValidationError", message)

    @classmethod
    def malformed_policy(cls, message: str) -> Self:
        """A policy document is not one that IAM accepts."""
        return cls("MalformedPolicyDocument", message)

    @classmethod
    def not_implemented(cls, what: str) -> Self:
        """AWS has it, local AWS does not."""
        return cls("InvalidAction", f"{what} is not implemented by local AWS; see local/aws/README.md.")
