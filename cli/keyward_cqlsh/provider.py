"""The auth provider that sends a projected ServiceAccount token as the CQL password.

Kubernetes replaces the token in the file long before it expires, so the file is read when a connection logs
in, not when the provider is made. Nor when the driver makes the authenticator: after a host went down the
driver keeps one authenticator for all its attempts to reconnect, however long they take.

Limits: plain SASL only, which is what agents speak; the token is checked by the agent alone, never here.
"""

import os
from collections.abc import Callable
from pathlib import Path

from cassandra import AuthenticationFailed
from cassandra.auth import Authenticator, AuthProvider

TOKEN_FILE = "/var/run/secrets/keyward.dev/token"  # noqa: S105 - a path
"""Where the examples mount the projected token."""

USER_VARIABLE = "KEYWARD_DB_USER"
"""The environment variable that names the IAM role when neither the command line nor cqlshrc does."""


class TokenFileError(AuthenticationFailed):  # type: ignore[misc]  # the driver is untyped
    """The token file cannot be used; the message says why and what a pod needs to have one."""


class TokenFileAuthenticator(Authenticator):  # type: ignore[misc]
    """One login: asks for the token at the moment when the server does."""

    def __init__(self, *, username: str, token: Callable[[], str]) -> None:
        self.username = username
        self.token = token

    def initial_response(self) -> bytes:
        """Return SASL PLAIN's message (RFC 4616) with an empty authorization identity.

        Raises TokenFileError; the driver then closes the connection and reports the error for this host.
        """
        return b"\0".join((b"", self.username.encode(), self.token().encode()))

    def evaluate_challenge(self, challenge: bytes) -> bytes:
        """Refuse: PLAIN has one message, so a server that goes on asking is no agent."""
        raise AuthenticationFailed(f"the server sent a challenge of {len(challenge)} bytes; an agent sends none")


class TokenFileAuthProvider(AuthProvider):  # type: ignore[misc]
    """For the driver's `Cluster(auth_provider=...)` and for cqlsh's `[auth_provider]` section.

    `username` is the IAM role to assume (name or ARN), by default KEYWARD_DB_USER's value; empty leaves the
    choice to the agent. `path` is the projected token's file. `password` is a token given literally, as
    `cqlsh -p` does: it is sent instead of the file's and never renewed.
    """

    def __init__(
        self,
        username: str | None = None,
        path: str | os.PathLike[str] = TOKEN_FILE,
        password: str | None = None,
    ) -> None:
        self.username = os.environ.get(USER_VARIABLE, "") if username is None else username
        self.path = Path(path)
        self.password = password

    def new_authenticator(self, host: str) -> TokenFileAuthenticator:
        """Return an authenticator for connections to `host`; every host gets the same token."""
        return TokenFileAuthenticator(username=self.username, token=self._token)

    def _token(self) -> str:
        return read_token(self.path) if self.password is None else self.password


def read_token(path: Path) -> str:
    """Return the token in `path` without surrounding white space. Raises TokenFileError."""
    try:
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise TokenFileError(
            f"cannot read the ServiceAccount token {path}: {error}. Mount one as a projected volume with the"
            " audience keyward.dev/<namespace>/<database>."
        ) from error
    if not token:
        raise TokenFileError(f"the ServiceAccount token {path} is empty; the kubelet writes it when the pod starts")
    return token
