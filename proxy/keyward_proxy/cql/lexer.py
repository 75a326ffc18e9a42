"""Splits CQL into tokens exactly where Apache Cassandra does, or not at all.

Source: Lexer.g of Apache Cassandra 3.11 to 5.0. Where Cassandra would split a run such as `1abc` into two tokens, this
lexer refuses the text: two readers that split alike on everything they both accept cannot disagree on which
word is a table's name. Tokens are made a few at a time, so that a long text costs no memory.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import islice
from sys import intern

from keyward_proxy.cql.errors import UnreadableStatement

MAXIMUM_TOKENS = 32_768
"""A statement of more is refused: reading it would hold up every other session. Keyspaces' largest batch, 30 rows of
225 columns, has 27,000."""

END = "end"
NOTHING = "nothing"
NAME = "name"
QUOTED = "quoted"
OPERATOR = "operator"
STRING = "string"
NUMBER = "number"
INTEGER = "integer"
LITERAL_PATTERNS = (STRING, "dollar_string", "uuid", INTEGER, "blob", "duration", NUMBER)
LITERALS = frozenset({STRING, "uuid", INTEGER, "blob", "duration", NUMBER})

_UNIT = r"(?:[mM][oO]|[mM][sS]|[uU\u00b5][sS]|[nN][sS]|[yYwWdDhHmMsS])"
_NO_WORD = r"(?![A-Za-z0-9_])"
_HEX = "[0-9a-fA-F]"
BLANK = r"[ \t\n\r]"
COMMENT = r"(?=--|//|/\*) (?: --[^\n\r]*+ | //[^\n\r]*+ | /\*.*?\*/ )"

# Alternatives in the order in which they are tried. What `name` passes over may still be a UUID or a duration.
PATTERNS = {
    "name": r"[A-OQ-Za-z][A-Za-z0-9_]*+(?!-)",
    "operator": r"[=()\[\],;:?{}.*]",
    "string": r"'[^']*+(?:''[^']*+)*+'",
    "dollar_string": r"\$\$.*?\$\$",
    "quoted": r'"(?:[^"]++|"")++"',
    "uuid": f"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}{_NO_WORD}",
    "integer": r"-?[0-9]++(?![A-Za-z0-9_.\u00b5])",
    "blob": f"0[xX]{_HEX}*+{_NO_WORD}",
    "duration": rf"""(?:
          -?[0-9]++{_UNIT}(?:[0-9]++{_UNIT})*+
        | -?P[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}
        | -?P[0-9]++W
        | -?P(?=[0-9]|T[0-9])(?:[0-9]++Y)?+(?:[0-9]++M)?+(?:[0-9]++D)?+
            (?:T(?:[0-9]++H)?+(?:[0-9]++M)?+(?:[0-9]++S)?+)?+
        ){_NO_WORD}""",
    "number": r"-?[0-9]++(?:\.[0-9]*+(?:[eE][+-]?[0-9]++)?+ | [eE][+-]?[0-9]++)(?![A-Za-z0-9_.])",
    "other_name": r"[A-Za-z][A-Za-z0-9_]*+",
    "sign": r"(?: [+-]=? | [<>]=? | != )",
    "end": r"\Z",
    # Up to the end, so that nothing is looked for behind it: each opening that is never closed costs a look at all.
    "nothing": r".+",
}

# Blanks and the token behind them. The empty group that ends an alternative tells which one it was: a group around it
# would keep the engine from skipping it by its first character.
_TOKEN = re.compile(
    rf"(?P<blank>{BLANK}*+ (?: {COMMENT} {BLANK}*+ )*+ )"
    f"(?: {' | '.join(f'{pattern} (?P<{name}>)' for name, pattern in PATTERNS.items())} )",
    re.VERBOSE | re.DOTALL,
)
_GROUPS = {"dollar_string": STRING, "other_name": NAME, "sign": OPERATOR}
_KINDS = ("", *(intern(_GROUPS.get(name, name)) for name in _TOKEN.groupindex))
_LOOK_AHEAD = 4
_CHUNK = 256


class TokenStream:
    """A text's tokens, one at a time: `kind`, `value` and `keyword` tell of the current one."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.kind = END
        self.value = ""
        """The token as written."""

        self.keyword = ""
        """An unquoted name in upper case, an operator as it is; empty for everything else."""

        self._matches = _TOKEN.finditer(text)
        self._window: list[re.Match[str]] = []
        self._index = -1
        self.tokens = 0
        """How many were made so far, a few more than were read: what the reading cost."""

        self.advance()

    @property
    def start(self) -> int:
        """Where the current token begins."""
        return self._window[self._index].end(1)

    def advance(self) -> None:
        """Go on to the next token. Raises UnreadableStatement where none can be made out."""
        self._index += 1
        if self._index + _LOOK_AHEAD >= len(self._window):
            self._fill()
        match = self._window[self._index]
        self.kind = kind = _KINDS[match.lastindex or 0]
        self.value = value = self.text[match.end(1) : match.end()]
        if kind is NAME:
            self.keyword = value.upper()
        elif kind is OPERATOR:
            self.keyword = value
        else:
            self.keyword = ""
            if kind is NOTHING:
                raise unreadable(self.text, self.start)

    def following(self, count: int = 1) -> str:
        """The `keyword` of the token so many places behind the current one, four at most."""
        match = self._window[self._index + count]
        kind = _KINDS[match.lastindex or 0]
        value = self.text[match.end(1) : match.end()]
        return value.upper() if kind is NAME else value if kind is OPERATOR else ""

    def describe(self) -> str:
        """The current token for an error message, without telling a literal."""
        if self.kind is END:
            return "the end of the statement"
        if self.kind in LITERALS:
            return f"a literal ({self.kind}) at character {self.start + 1}"
        return f"'{self.value[:48]}' at character {self.start + 1}"

    def _fill(self) -> None:
        chunk = list(islice(self._matches, _CHUNK))
        self.tokens += len(chunk)
        if self.tokens > MAXIMUM_TOKENS:
            raise UnreadableStatement(
                f"the statement has more than {MAXIMUM_TOKENS} tokens: send its values as bind variables"
            )
        if len(chunk) < _CHUNK:
            last = chunk[-1] if chunk else self._window[-1]
            chunk += [last] * (_LOOK_AHEAD + 1)
        self._window = self._window[self._index :] + chunk
        self._index = 0


def unreadable(text: str, position: int) -> UnreadableStatement:
    """What to say of a place where no token begins."""
    opening = text[position : position + 2]
    if opening[:1] in ("'", '"') or opening in ("$$", "/*"):
        what = f"{opening if opening in ('$$', '/*') else opening[:1]} is never closed"
        if opening == '""':
            what = "a name is empty"
    elif not opening.isascii():
        name = unicodedata.name(opening[0], "a character")
        what = f"{name} (U+{ord(opening[0]):04X}) begins nothing that CQL knows: type it anew"
    else:
        what = f"{opening[:1]!r} begins nothing that CQL knows"
    return UnreadableStatement(f"at character {position + 1}: {what}")
