"""Who a caller is, and what AWS gets to see of it.

RoleSessionName and SourceIdentity: STS API reference, AssumeRole: 2-64 characters of `[A-Za-z0-9_+=,.@-]`. A
ServiceAccount is `<namespace>@<name>`, a person `u=` and the name with each byte outside `[A-Za-z0-9_.@,-]` as `=XX`
(hexadecimal, upper case). `+` marks a shortened name and nothing else, and no ServiceAccount's form begins with
`u=`, so that no two identities meet.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Literal

SESSION_NAME_LIMIT = 64
_KEPT = 47
_SERVICE_ACCOUNT = "system:serviceaccount:"
_ESCAPED = re.compile(rb"[^A-Za-z0-9_.@,-]")


class UnknownIdentityError(ValueError):
    """A user name that is not of a kind that Keyward admits."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CallerIdentity:
    """A caller, as Kubernetes or a certificate authenticated it."""

    kind: Literal["ServiceAccount", "User"] = "ServiceAccount"
    namespace: str = ""
    """Namespace of the ServiceAccount; empty for a person."""

    name: str
    """Name of the ServiceAccount, or of the person."""

    uid: str = ""
    """uid of the ServiceAccount: a new one of the same name is another identity for caches, not for grants."""

    groups: frozenset[str] = frozenset()
    """Groups, as TokenReview or the certificate names them."""

    pod: str = ""
    """Name of the pod that the token is bound to; empty where it is bound to none."""

    @property
    def username(self) -> str:
        """`system:serviceaccount:<namespace>:<name>`, or the person's name."""
        return f"{_SERVICE_ACCOUNT}{self.namespace}:{self.name}" if self.kind == "ServiceAccount" else self.name

    @property
    def session_name(self) -> str:
        """RoleSessionName and SourceIdentity, shortened where STS needs it."""
        if self.kind == "ServiceAccount":
            return session_name(f"{self.namespace}@{self.name}")
        return session_name(
            "u=" + _ESCAPED.sub(lambda found: b"=%02X" % found[0][0], self.name.encode()).decode("ascii")
        )


def service_account(username: str, *, uid: str, groups: frozenset[str], pod: str = "") -> CallerIdentity:
    """The identity that a TokenReview's `user` names.

    Raises UnknownIdentityError for anything but a ServiceAccount.
    """
    namespace, _, name = username.removeprefix(_SERVICE_ACCOUNT).partition(":")
    if not username.startswith(_SERVICE_ACCOUNT) or not namespace or not name or ":" in name:
        raise UnknownIdentityError(f"'{username}' is not a ServiceAccount: only ServiceAccount tokens may log in")
    return CallerIdentity(namespace=namespace, name=name, uid=uid, groups=groups, pod=pod)


def person(username: str, *, groups: frozenset[str] = frozenset()) -> CallerIdentity:
    """The identity of a person, as a certificate or an identity provider names it.

    Raises UnknownIdentityError for what cannot be shown, and for names and groups that Kubernetes keeps for itself
    (`system:…`): nobody may pose as a ServiceAccount, a node or everybody.
    """
    for name in (username, *sorted(groups)):
        if not name.isprintable() or not name or name.startswith("system:"):
            raise UnknownIdentityError(f"{name!r} is not the name of a person or of a group of people")
    return CallerIdentity(kind="User", name=username, groups=groups)


def session_name(text: str) -> str:
    """`text`, or where it is over 64 characters its first 47, `+` and 16 hex digits of SHA-256 of the whole."""
    if len(text) <= SESSION_NAME_LIMIT:
        return text
    return f"{text[:_KEPT]}+{hashlib.sha256(text.encode()).hexdigest()[:16]}"
