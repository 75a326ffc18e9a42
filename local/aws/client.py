"""How tests and the demo talk to local AWS: boto3 for its public APIs, AdminClient for its admin API."""

from __future__ import annotations

import http.client
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeAlias
from urllib.parse import urlsplit

import boto3
from botocore import UNSIGNED
from botocore.config import Config

from local.aws.state import ADMIN_TOKEN, ROOT_CREDENTIALS

REGION = "us-east-1"

BotoClient: TypeAlias = Any
"""boto3 makes its clients' classes at run time."""
Json: TypeAlias = Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """An access key to sign with."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)

    @classmethod
    def of_root(cls, state: Path) -> Self:
        """The root's, from the state directory of a running local AWS."""
        stored = json.loads((state / ROOT_CREDENTIALS).read_text())
        return cls(access_key_id=stored["accessKeyId"], secret_access_key=stored["secretAccessKey"])

    @classmethod
    def of_response(cls, response: dict[str, Any]) -> Self:
        """Those that an AssumeRole or AssumeRoleWithWebIdentity returned."""
        issued = response["Credentials"]
        return cls(
            access_key_id=issued["AccessKeyId"],
            secret_access_key=issued["SecretAccessKey"],
            session_token=issued["SessionToken"],
        )


def boto_client(service: str, *, endpoint: str, ca: Path, credentials: Credentials | None) -> BotoClient:
    """A boto3 client of `sts` or `iam` that trusts the local CA and never retries; unsigned without credentials."""
    retries = {"mode": "standard", "total_max_attempts": 1}
    config = Config(retries=retries, **({} if credentials else {"signature_version": UNSIGNED}))
    return boto3.session.Session().client(
        service,
        region_name=REGION,
        endpoint_url=endpoint,
        verify=str(ca),
        config=config,
        aws_access_key_id=credentials.access_key_id if credentials else None,
        aws_secret_access_key=credentials.secret_access_key if credentials else None,
        aws_session_token=credentials.session_token if credentials else None,
    )


class AdminError(Exception):
    """The admin API answered with an error."""

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(f"local AWS's admin API answered {status}: {body}")
        self.status = status
        self.body = body


class AdminClient:
    """The admin API; one connection a call."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        """Of the admin listener: http://127.0.0.1:PORT."""
        self._address = urlsplit(url)
        self._token = token

    @classmethod
    def of_state(cls, url: str, state: Path) -> Self:
        """With the token from the state directory of a running local AWS."""
        return cls(url, (state / ADMIN_TOKEN).read_text())

    def authenticate(
        self,
        *,
        access_key_id: str,
        session_token: str | None,
        nonce: str,
        amzdate: str,
        region: str,
        signature: str,
    ) -> dict[str, Any]:
        """Whose key signed a Cassandra login. Raises AdminError with `code` and `message` in its body."""
        body = {
            "accessKeyId": access_key_id,
            "sessionToken": session_token,
            "nonce": nonce,
            "amzdate": amzdate,
            "region": region,
            "signature": signature,
        }
        answer: dict[str, Any] = self._call("POST", "/keyspaces/authenticate", body)
        return answer

    def authorize(self, *, session: str, action: str, resources: Sequence[str]) -> dict[str, Any]:
        """Whether a session may do an action on all of the resources: `allowed` and `reason`."""
        body = {"session": session, "action": action, "resources": list(resources)}
        answer: dict[str, Any] = self._call("POST", "/keyspaces/authorize", body)
        return answer

    def calls(self) -> list[dict[str, Any]]:
        """What was called since the start or the last clear_calls, oldest first."""
        answer: list[dict[str, Any]] = self._call("GET", "/calls")
        return answer

    def clear_calls(self) -> None:
        """Forgets the calls so far."""
        self._call("DELETE", "/calls")

    def set_faults(self, *refusals: tuple[str, str, int], visibility_delay_seconds: float = 0) -> None:
        """Have so many calls of an action refused with a code: (`iam:*`, `Throttling`, 3); without any, none is."""
        body = {
            "refusals": [{"action": action, "code": code, "times": times} for action, code, times in refusals],
            "visibilityDelaySeconds": visibility_delay_seconds,
        }
        self._call("PUT", "/faults", body)

    def healthz(self) -> bool:
        """Whether local AWS answers."""
        try:
            self._call("GET", "/healthz")
        except (OSError, AdminError, http.client.HTTPException):
            return False
        return True

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Json:
        connection = http.client.HTTPConnection(self._address.hostname or "", self._address.port, timeout=10)
        try:
            headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        answer = json.loads(text) if text.startswith(("{", "[")) else text
        if response.status >= 400:
            raise AdminError(response.status, answer)
        return answer
