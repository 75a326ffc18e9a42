"""A statement's text without its literals and comments, for the audit trail."""

from __future__ import annotations

import re

from keyward_proxy.cql.lexer import BLANK, COMMENT, LITERAL_PATTERNS, PATTERNS

MAXIMUM_NAME = 66
"""Characters, quotes included. Keyspaces' names have 48; every JSON web token begins with a longer run."""

_LITERAL_NAME = r"(?: [tT][rR][uU][eE] | [fF][aA][lL][sS][eE] | [nN][aA][nN] | [iI][nN][fF][iI][nN][iI][tT][yY] )"
_SHORT = f"(?! [A-Za-z0-9_]{{{MAXIMUM_NAME + 1}}} )"
_NAME = f"(?! {_LITERAL_NAME}(?![A-Za-z0-9_]) ) {_SHORT}"
_QUOTED = rf"(?! \"(?:[^\"]|\"\"){{{MAXIMUM_NAME - 1}}} ) {PATTERNS['quoted']}"

# The lexer's alternatives in the lexer's order, but that what is kept goes by in one run.
_PIECE = re.compile(
    rf"""
    (?P<kept> (?: {BLANK} | {_NAME} {PATTERNS["name"]} | {PATTERNS["operator"]} | {_QUOTED} )++ )
  | (?P<literal> {" | ".join(PATTERNS[kind] for kind in LITERAL_PATTERNS)} | {_LITERAL_NAME}(?![A-Za-z0-9_]) )
  | (?P<comment> {COMMENT} )
  | (?P<rest> {_NAME} {PATTERNS["other_name"]} | {PATTERNS["sign"]} )
    """,
    re.VERBOSE | re.DOTALL,
)


def redact(text: str, *, limit: int) -> str:
    """`text` with each literal as `?` and each comment as a space, cut after about `limit` characters.

    From where no token can be made out nothing is kept, because it may be the inside of a literal; nor from a word on
    that is too long for a name, because it may be a credential that was sent as a statement by mistake.
    """
    parts: list[str] = []
    position = kept = 0
    while position < len(text):
        match = _PIECE.match(text, position)
        if match is None:
            parts.append(f" <unreadable from character {position + 1}>")
            break
        part = "?" if match.lastgroup == "literal" else " " if match.lastgroup == "comment" else match.group()
        position = match.end()
        parts.append(part[: limit - kept])
        kept += len(part)
        if kept > limit:
            parts.append(f" <{len(text)} characters in all>")
            break
    return "".join(parts)
