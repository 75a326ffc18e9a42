"""A statement's text without its literals and comments, for the audit trail."""

from __future__ import annotations

from keyward_proxy.cql.lexer import LITERALS, NAME, QUOTED, TOKEN

MAXIMUM_NAME = 66
"""Characters, quotes included. Keyspaces' names have 48; every JSON web token begins with a longer run."""

_LITERAL_NAMES = frozenset({"TRUE", "FALSE", "NAN", "INFINITY"})


def redact(text: str, *, limit: int) -> str:
    """`text` with each literal as `?` and each comment as a space, cut after about `limit` characters.

    From where no token can be made out nothing is kept, because it may be the inside of a literal; nor from a word on
    that is too long for a name, because it may be a credential that was sent as a statement by mistake.
    """
    parts: list[str] = []
    position = kept = 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None or _is_no_name(match.lastgroup, match.group()):
            parts.append(f" <unreadable from character {position + 1}>")
            break
        part = _redacted(match.lastgroup or "", match.group())
        position = match.end()
        kept += len(part)
        if kept > limit:
            parts.append(f" <{len(text)} characters in all>")
            break
        parts.append(part)
    return "".join(parts)


def _is_no_name(kind: str | None, value: str) -> bool:
    return kind in (NAME, QUOTED) and len(value) > MAXIMUM_NAME


def _redacted(kind: str, value: str) -> str:
    if kind in LITERALS or (kind == NAME and value.upper() in _LITERAL_NAMES):
        return "?"
    if kind == "blank":
        return value if value.isspace() and len(value) <= 32 else " "
    return value
