"""A statement's text without its literals and comments, for the audit trail."""

from __future__ import annotations

from keyward_proxy.cql.lexer import LITERALS, NAME, TOKEN

_LITERAL_NAMES = frozenset({"TRUE", "FALSE", "NAN", "INFINITY"})


def redact(text: str, *, limit: int) -> str:
    """`text` with each literal as `?` and each comment as a space, cut after about `limit` characters.

    From where no token can be made out nothing is kept, because it may be the inside of a literal.
    """
    parts: list[str] = []
    position = kept = 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None:
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


def _redacted(kind: str, value: str) -> str:
    if kind in LITERALS or (kind == NAME and value.upper() in _LITERAL_NAMES):
        return "?"
    if kind == "blank":
        return value if value.isspace() and len(value) <= 32 else " "
    return value
