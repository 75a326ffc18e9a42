"""Splits CQL into tokens exactly where Apache Cassandra does, or not at all.

Source: Lexer.g of Apache Cassandra 3.11 to 5.0. Where Cassandra would split a run such as `1abc` into two tokens, this
lexer refuses the text: two readers that split alike on everything they both accept cannot disagree on which
word is a table's name. Tokens are made one at a time, so that a long text costs no memory.
"""

from __future__ import annotations

import re

from keyward_proxy.cql.errors import UnreadableStatement

MAXIMUM_TOKENS = 65_536
"""A statement of more is refused: reading it would hold up every other session."""

END = "end"
NAME = "name"
QUOTED = "quoted"
OPERATOR = "operator"
STRING = "string"
NUMBER = "number"
INTEGER = "integer"
LITERALS = frozenset({STRING, NUMBER, INTEGER, "uuid", "blob", "duration"})

_UNIT = r"(?:[mM][oO]|[mM][sS]|[uU\u00b5][sS]|[nN][sS]|[yYwWdDhHmMsS])"
_NO_WORD = r"(?![A-Za-z0-9_])"
_HEX = "[0-9a-fA-F]"
TOKEN = re.compile(
    rf"""
    (?P<blank>(?:[ \t\n\r]++ | --[^\n\r]*+ | //[^\n\r]*+ | /\*.*?\*/)++)
  | (?P<string>'[^']*+(?:''[^']*+)*+' | \$\$.*?\$\$)
  | (?P<quoted>"(?:[^"]++|"")++")
  | (?P<uuid>{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}{_NO_WORD})
  | (?P<blob>0[xX]{_HEX}*+{_NO_WORD})
  | (?P<duration>
        -?[0-9]++{_UNIT}(?:[0-9]++{_UNIT})*+{_NO_WORD}
      | -?P[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}{_NO_WORD}
      | -?P[0-9]++W{_NO_WORD}
      | -?P(?=[0-9]|T[0-9])(?:[0-9]++Y)?+(?:[0-9]++M)?+(?:[0-9]++D)?+
          (?:T(?:[0-9]++H)?+(?:[0-9]++M)?+(?:[0-9]++S)?+)?+{_NO_WORD})
  | (?P<number>-?[0-9]++(?:\.[0-9]*+(?:[eE][+-]?[0-9]++)?+ | [eE][+-]?[0-9]++)(?![A-Za-z0-9_.]))
  | (?P<integer>-?[0-9]++(?![A-Za-z0-9_.]))
  | (?P<name>[A-Za-z][A-Za-z0-9_]*+)
  | (?P<operator>\+=|-=|<=|>=|!=|[=<>()\[\]{{}},;:.*+\-?])
    """,
    re.VERBOSE | re.DOTALL,
)


class TokenStream:
    """A text's tokens, one at a time: `kind`, `value` and `keyword` tell of the current one."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.kind = END
        self.value = ""
        """The token as written."""

        self.keyword = ""
        """An unquoted name in upper case, an operator as it is; empty for everything else."""

        self.start = 0
        self._position = 0
        self._tokens = 0
        self.advance()

    def advance(self) -> None:
        """Go on to the next token. Raises UnreadableStatement where none can be made out."""
        text, position = self.text, self._position
        while True:
            if position >= len(text):
                self.kind, self.value, self.keyword, self.start = END, "", "", len(text)
                return
            match = TOKEN.match(text, position)
            if match is None:
                raise unreadable(text, position)
            kind, position = match.lastgroup or "", match.end()
            if kind != "blank":
                break
        self._tokens += 1
        if self._tokens > MAXIMUM_TOKENS:
            raise UnreadableStatement(
                f"the statement has more than {MAXIMUM_TOKENS} tokens: send its values as bind variables"
            )
        self.kind, self.value, self.start, self._position = kind, match.group(), match.start(), position
        if kind == NAME:
            self.keyword = self.value.upper()
        else:
            self.keyword = self.value if kind == OPERATOR else ""

    def following(self, count: int = 1) -> str:
        """The `keyword` of the token so many places behind the current one."""
        saved = (self.kind, self.value, self.keyword, self.start, self._position, self._tokens)
        for _ in range(count):
            self.advance()
        found = self.keyword
        self.kind, self.value, self.keyword, self.start, self._position, self._tokens = saved
        return found

    def describe(self) -> str:
        """The current token for an error message, without telling a literal."""
        if self.kind == END:
            return "the end of the statement"
        if self.kind in LITERALS:
            return f"a literal ({self.kind}) at character {self.start + 1}"
        return f"'{self.value[:48]}' at character {self.start + 1}"


def unreadable(text: str, position: int) -> UnreadableStatement:
    """What to say of a place where no token begins."""
    opening = text[position : position + 2]
    if opening[:1] in ("'", '"') or opening in ("$$", "/*"):
        what = f"{opening if opening in ('$$', '/*') else opening[:1]} is never closed"
    else:
        what = f"{opening[:1]!r} begins nothing that CQL knows"
    return UnreadableStatement(f"at character {position + 1}: {what}")
