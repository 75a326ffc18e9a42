"""Who a caller is, and what AWS gets to see of it.

RoleSessionName and SourceIdentity: STS API reference, AssumeRole: 2-64 characters of `[A-Za-z0-9_+=,.@-]`. Ours never
use `+` but to mark a shortened name, so that no two identities meet: a ServiceAccount's namespace and name
hold neither `@` nor `+`.
"""

import hashlib
from dataclasses import dataclass

SESSION_NAME_LIMIT = 64
_KEPT = 47
_PREFIX = "system:serviceaccount:"


class UnknownIdentityError(ValueError):
    """A user name that is not of a kind that Keyward admits."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CallerIdentity:
    """A caller, as Kubernetes authenticated it."""

    namespace: str
    """Namespace of the ServiceAccount."""

    name: str
    """Name of the ServiceAccount."""

    uid: str
    """uid of the ServiceAccount: a new one of the same name is another identity for caches, not for grants."""

    groups: frozenset[str] = frozenset()
    """Groups, as TokenReview returned them."""

    pod: str = ""
    """Name of the pod that the token is bound to; empty where it is bound to none."""

    @property
    def username(self) -> str:
        """`system:serviceaccount:<namespace>:<name>`."""
        return f"{_PREFIX}{self.namespace}:{self.name}"

    @property
    def session_name(self) -> str:
        """RoleSessionName and SourceIdentity: `<namespace>@<name>`, shortened where STS needs it."""
        return session_name(f"{self.namespace}@{self.name}")


def service_account(username: str, *, uid: str, groups: frozenset[str], pod: str = "") -> CallerIdentity:
    """The identity that a TokenReview's `user` names.

    Raises UnknownIdentityError for anything but a ServiceAccount.
    """
    namespace, _, name = username.removeprefix(_PREFIX).partition(":")
    if not username.startswith(_PREFIX) or not namespace or not name or ":" in name:
        raise UnknownIdentityError(f"'{username}' is not a ServiceAccount: only ServiceAccount tokens may log in")
    return CallerIdentity(namespace=namespace, name=name, uid=uid, groups=groups, pod=pod)


def session_name(text: str) -> str:
    """`text`, or where it is over 64 characters its first 47, `+` and 16 hex digits of SHA-256 of the whole."""
    if len(text) <= SESSION_NAME_LIMIT:
        return text
    return f"{text[:_KEPT]}+{hashlib.sha256(text.encode()).hexdigest()[:16]}"
