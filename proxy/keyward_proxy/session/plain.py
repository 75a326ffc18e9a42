"""SASL PLAIN, in which CQL clients send a user name and a password (RFC 4616): authzid NUL authcid NUL passwd."""

from __future__ import annotations

import re

from keyward_proxy.session.secret import Secret
from keyward_proxy.session.settings import MAXIMUM_TOKEN_BYTES

_SIGV4 = b"SigV4\0\0"
_NAME = re.compile(rb"[A-Za-z0-9_+=,.@-]{0,64}|arn:aws[a-z-]{0,16}:iam::[0-9]{12}:role/[!-~]{1,576}")
"""IAM API reference, RoleName and path. A token put here by mistake has no such form, and so reaches no record."""

_HOW = "use the IAM role's name as user name and the token from the projected token file as password"


class CredentialsError(Exception):
    """Credentials that cannot be those of anybody; the text is for the caller and repeats none of them."""


def read_plain(token: bytes) -> tuple[str, Secret]:
    """The user name, possibly empty, and the password. Raises CredentialsError."""
    if token == _SIGV4:
        raise CredentialsError(
            f"this client wants to sign with SigV4, which the agent does for it: remove the SigV4 plug-in and {_HOW}"
        )
    parts = token.split(b"\0", 2)
    if len(parts) != 3:
        raise CredentialsError(f"the credentials are not SASL PLAIN: {_HOW}")
    authorize_as, name, password = parts
    if authorize_as not in (b"", name):
        raise CredentialsError("the credentials ask to act as somebody else: leave the SASL authzid empty")
    if not password:
        raise CredentialsError(f"the password is empty: {_HOW}")
    if not _NAME.fullmatch(name):
        raise CredentialsError(f"the user name, of {len(name)} bytes, is neither name nor ARN of an IAM role: {_HOW}")
    if len(password) > MAXIMUM_TOKEN_BYTES:
        raise CredentialsError(f"the password has {len(password)} bytes, more than any token: {_HOW}")
    try:
        return name.decode(), Secret(password.decode())
    except UnicodeDecodeError:
        raise CredentialsError(f"user name or password are not UTF-8: {_HOW}") from None
