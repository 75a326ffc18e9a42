"""One call to STS or IAM, from the bytes received to the document answered."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from local.aws import query
from local.aws.authentication import Authenticator
from local.aws.calls import CallLog
from local.aws.errors import AwsError
from local.aws.faults import Faults
from local.aws.iam import Iam
from local.aws.principals import Principal
from local.aws.query import Call, UncheckedCall
from local.aws.sigv4 import ReceivedRequest
from local.aws.sts import Sts

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An HTTP status and an XML document."""

    status: int
    body: str


@dataclass(kw_only=True, slots=True)
class _Attempt:
    """What is known of a call so far, for its record."""

    action: str = "unknown"
    service: str = "sts"
    principal: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """Both query APIs."""

    authenticator: Authenticator
    sts: Sts
    iam: Iam
    calls: CallLog
    faults: Faults
    clock: Callable[[], float]

    def answer(self, request: ReceivedRequest) -> Answer:
        """Never raises: an error of ours is logged with its traceback and answered as InternalFailure, as AWS does."""
        attempt, error = _Attempt(), None
        try:
            answer = self._attempt(request, attempt)
        except AwsError as refusal:
            error = refusal
        except Exception as fault:
            _log.exception("action=%s failed", attempt.action)
            error = AwsError("InternalFailure", f"Local AWS failed: {type(fault).__name__}; see its log.", status=500)
        if error:
            answer = Answer(status=error.status, body=query.error_document(attempt.service, error))
        self._record(attempt, error)
        return answer

    def _attempt(self, request: ReceivedRequest, attempt: _Attempt) -> Answer:
        if request.method != "POST" or request.path != "/" or request.query:
            raise AwsError.not_implemented(f"{request.method} {request.path}: anything but a POST of a form to /")
        unchecked = query.parse(request.body)
        attempt.service, attempt.action = unchecked.service, f"{unchecked.service}:{unchecked.action}"
        attempt.parameters = unchecked.recordable()
        if attempt.action == "sts:AssumeRoleWithWebIdentity":
            call = unchecked.checked()
            result = self.sts.assume_role_with_web_identity(call.parameters, self.clock())
            attempt.principal = result["SubjectFromWebIdentityToken"]
            return Answer(status=200, body=query.result_document(call, result))
        caller = self.authenticator.caller(request, unchecked.service, self.clock())
        attempt.principal = caller.arn
        self.faults.check(attempt.action)
        if unchecked.service == "iam":
            return self._iam(unchecked, caller, request)
        call = unchecked.checked()
        return Answer(status=200, body=query.result_document(call, self._sts(call, caller)))

    def _sts(self, call: Call, caller: Principal) -> dict[str, Any]:
        if call.action == "AssumeRole":
            return self.sts.assume_role(call.parameters, caller, self.clock())
        if call.action == "GetCallerIdentity":
            return self.sts.caller_identity(caller)
        raise AwsError.not_implemented(call.name)

    def _iam(self, unchecked: UncheckedCall, caller: Principal, request: ReceivedRequest) -> Answer:
        call = unchecked.checked()
        self.iam.authorize(call, caller)
        answer = self.iam.perform(call, request.body, request.header("authorization") or "")
        return Answer(status=answer.status, body=answer.body)

    def _record(self, attempt: _Attempt, error: AwsError | None) -> None:
        self.calls.record(
            time=self.clock(),
            action=attempt.action,
            principal=attempt.principal,
            parameters=attempt.parameters,
            error=error,
        )
        _log.info(
            "action=%s principal=%s error=%s reason=%s",
            attempt.action,
            attempt.principal,
            error.code if error else None,
            error.reason if error else None,
        )
