"""SASL PLAIN, in which CQL clients send a user name and a password (RFC 4616): authzid NUL authcid NUL passwd.

A client that a certificate has named needs no password, but drivers send one: it is ignored, unless it has the form of
a token. A token is for somebody who is not known otherwise; here it would tell whoever reads the wire's other end
nothing but how to be somebody else.
"""

from __future__ import annotations

import base64
import binascii
import re

from keyward_proxy.session.secret import Secret
from keyward_proxy.session.settings import MAXIMUM_TOKEN_BYTES

_SIGV4 = b"SigV4\0\0"
_NAME = re.compile(rb"[A-Za-z0-9_+=,.@-]{0,64}|arn:aws[a-z-]{0,16}:iam::[0-9]{12}:role/[!-~]{1,576}")
"""IAM API reference, RoleName and path. A token put here by mistake has no such form, and so reaches no record."""

_BASE64URL = re.compile(rb"[A-Za-z0-9_-]+")

_HOW = "use the IAM role's name as user name and the token as password"


class CredentialsError(Exception):
    """Credentials that cannot be those of anybody; the text is for the caller and repeats none of them."""


def read_plain(message: bytes) -> tuple[str, Secret]:
    """The user name, possibly empty, and the password. Raises CredentialsError."""
    name, password = _parts(message)
    if not password:
        raise CredentialsError(f"the password is empty: {_HOW}")
    if len(password) > MAXIMUM_TOKEN_BYTES:
        raise CredentialsError(f"the password has {len(password)} bytes, more than any token: {_HOW}")
    try:
        return name, Secret(password.decode())
    except UnicodeDecodeError:
        raise CredentialsError(f"the password is not UTF-8: {_HOW}") from None


def read_user_name(message: bytes) -> str:
    """The user name, possibly empty, of a client that its certificate has named. Raises CredentialsError."""
    name, password = _parts(message)
    if _is_token(password):
        raise CredentialsError(
            "the password is a token, but this connection has a client certificate, which says who you are: send any "
            "other password, or connect without the certificate"
        )
    return name


def _parts(message: bytes) -> tuple[str, bytes]:
    if message == _SIGV4:
        raise CredentialsError(
            f"this client wants to sign with SigV4, which the agent does for it: remove the SigV4 plug-in and {_HOW}"
        )
    parts = message.split(b"\0", 2)
    if len(parts) != 3:
        raise CredentialsError(f"the credentials are not SASL PLAIN: {_HOW}")
    authorize_as, name, password = parts
    if authorize_as not in (b"", name):
        raise CredentialsError("the credentials ask to act as somebody else: leave the SASL authzid empty")
    if not _NAME.fullmatch(name):
        raise CredentialsError(f"the user name, of {len(name)} bytes, is neither name nor ARN of an IAM role: {_HOW}")
    return name.decode("ascii"), password


def _is_token(password: bytes) -> bool:
    """Whether it looks like a JWT (RFC 7519): JWS or JWE in compact form, whose header is a JSON object."""
    header, *rest = password.strip().split(b".")
    if len(rest) not in (2, 4) or not _BASE64URL.fullmatch(header):
        return False
    try:
        decoded = base64.urlsafe_b64decode(header + b"=" * (-len(header) % 4))
    except binascii.Error:
        return False
    return decoded.lstrip().startswith(b"{")
