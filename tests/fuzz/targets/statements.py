"""The lexer and the reader: every text is read or refused, and what is between tokens moves no table."""

from __future__ import annotations

from keyward_proxy.cql.reader import read
from keyward_proxy.cql.statement import Refusal, Statement
from tests.fuzz import texts
from tests.fuzz.choices import Choices

KEYSPACES = (None, "ks", "Other")
BETWEEN = "/* FROM x.y */"


def run(data: bytes) -> None:
    """Read a text, then the same with other blanks."""
    choices = Choices(data)
    keyspace = KEYSPACES[choices.below(len(KEYSPACES))]
    text = texts.text(choices)
    reading = read(text, keyspace)
    assert isinstance(reading, Statement | Refusal)
    assert len(reading.redacted) <= 20 * 1024
    if isinstance(reading, Refusal):
        assert reading.message
        return
    _names_only_what_is_there(reading, text, keyspace)
    if keyspace is None:
        assert meaning(read(text, "another")) == meaning(reading), "a keyspace in use moved a qualified name"
    if len(text) < 2048:
        tokens = texts.tokens(text)
        assert tokens is not None, "a statement was read that the lexer cannot split"
        assert meaning(read(BETWEEN.join(["", *tokens, ""]), keyspace)) == meaning(reading)
        assert meaning(read(f"\n{text}\n--", keyspace)) == meaning(reading)


def meaning(reading: Statement | Refusal) -> object:
    """What a decision depends on."""
    if isinstance(reading, Refusal):
        return reading.message
    return reading.form, reading.accesses, reading.use_keyspace


def _names_only_what_is_there(statement: Statement, text: str, keyspace: str | None) -> None:
    folded = text.replace('""', '"').lower()
    for access in statement.accesses:
        for name in (access.keyspace, access.table):
            assert name is None or name == keyspace or name.lower() in folded or name == "", (
                f"{name!r} stands nowhere in the text"
            )


def seeds() -> list[bytes]:
    """A statement of each kind."""
    return [b"\1" + texts.spelled(text) for text in texts.CORPUS]
