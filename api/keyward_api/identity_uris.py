"""A person in a client certificate: URIs among its subject alternative names (RFC 5280, 4.2.1.6).

    keyward://user/<name>      exactly one
    keyward://group/<name>     any number

Each name is percent-encoded (RFC 3986): the bytes of its UTF-8 outside `A-Za-z0-9._~-` as `%XX`, upper case. A name has
this one spelling, so that two certificates that look different never name the same person, nor one a person and
something else. Whoever signs certificates uses `user_uri` and `group_uri`, whoever reads them `person_of`.
"""

from collections.abc import Iterable
from urllib.parse import quote, unquote_to_bytes

from keyward_api.identities import CallerIdentity, UnknownIdentityError, person

SCHEME = "keyward"
USER_PREFIX = f"{SCHEME}://user/"
GROUP_PREFIX = f"{SCHEME}://group/"

NAME_LIMIT = 253
"""Characters: what a subject of a KeyspacesUser can be called."""


def user_uri(name: str) -> str:
    """The URI of a person; raises UnknownIdentityError for names that nobody may have."""
    return USER_PREFIX + _encoded(person(name).name)


def group_uri(name: str) -> str:
    """The URI of a group; raises UnknownIdentityError for names that no group may have."""
    person("anybody", groups=frozenset({name}))
    return GROUP_PREFIX + _encoded(name)


def person_of(uris: Iterable[str]) -> CallerIdentity:
    """Who the URIs of one certificate name. URIs of other schemes say nothing here.

    Raises UnknownIdentityError where they name nobody, more than one person, or anything that is not understood.
    """
    users, groups = [], set()
    for uri in uris:
        if uri.partition(":")[0].lower() != SCHEME:
            continue
        if uri.startswith(USER_PREFIX):
            users.append(_decoded(uri, USER_PREFIX))
        elif uri.startswith(GROUP_PREFIX):
            groups.add(_decoded(uri, GROUP_PREFIX))
        else:
            raise UnknownIdentityError(
                f"'{_shown(uri)}' is no form that is known: a name is {USER_PREFIX}<name> or {GROUP_PREFIX}<name>"
            )
    if len(users) != 1:
        found = f"names {len(users)} people" if users else "names nobody"
        raise UnknownIdentityError(f"the certificate {found}: it needs exactly one URI {USER_PREFIX}<name>")
    return person(users[0], groups=frozenset(groups))


def _encoded(name: str) -> str:
    if not name or len(name) > NAME_LIMIT:
        raise UnknownIdentityError(f"a name has 1 to {NAME_LIMIT} characters, not {len(name)}")
    return quote(name, safe="")


def _decoded(uri: str, prefix: str) -> str:
    encoded = uri.removeprefix(prefix)
    try:
        name = unquote_to_bytes(encoded).decode()
    except UnicodeDecodeError:
        raise UnknownIdentityError(f"'{_shown(uri)}' is not percent-encoded UTF-8") from None
    if _encoded(name) != encoded:
        raise UnknownIdentityError(f"'{_shown(uri)}' is not spelt as it must be: '{prefix}{_encoded(name)}'")
    return name


def _shown(uri: str) -> str:
    return uri[:NAME_LIMIT].encode("unicode_escape").decode("ascii")
