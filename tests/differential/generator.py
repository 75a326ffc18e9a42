"""Random statements: as the grammar has them, and then broken in all ways that a parser could trip over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from tests.differential.foreign import Foreign
from tests.differential.mutations import mutate_text, mutate_tokens

PLAIN_GAPS = (" ",)
HOSTILE_GAPS = (
    " ", "\n", "\t", "\r\n", "  ", "/**/", "/* FROM x.y */", "/* ' */", '/* " */', "/* -- */", "/*/ . x */", "/* /* */",
    "-- FROM x.y\n", "-- '\r", "// ;\n", "//\n", " -- $$\n ", "/* \u00e9 */",
)  # fmt: skip
ENDS = ("", "", ";", " ;", ";;", " ", "\n", " /* x */ ", " -- x\n", "; -- DROP TABLE x.y\n")

BRACKETS = frozenset("()[]{},=")
"""Tokens that need no blanks around them."""


class Origin(StrEnum):
    """Where a statement comes from, by which its verdict is counted."""

    WANTED = "wanted"
    """Of a form that is passed on; everything that both Cassandras read of it should be accepted."""

    KEYSPACES = "only in Keyspaces"
    FOREIGN = "foreign"
    MUTATED = "mutated"


@dataclass(frozen=True, slots=True)
class Case:
    """A statement to be judged."""

    text: str
    keyspace: str | None
    origin: Origin


class Generator:
    """Makes cases; the same seed makes the same ones."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        grammar = Foreign(self._random)
        self._wanted: list[Callable[[], list[str]]] = [
            *([grammar.select] * 4), *([grammar.insert] * 3), *([grammar.update] * 3), *([grammar.delete] * 2),
            *([grammar.batch] * 2), grammar.use, grammar.create_keyspace, grammar.alter_keyspace, grammar.drop_keyspace,
            grammar.create_table, grammar.create_table, grammar.alter_table, grammar.alter_table, grammar.drop_table,
            grammar.create_type, grammar.alter_type, grammar.drop_type,
        ]  # fmt: skip
        self._grammar = grammar

    def case(self) -> Case:
        """The next case."""
        random = self._random
        draw = random.random()
        origin = Origin.FOREIGN if draw < 0.05 else Origin.KEYSPACES if draw < 0.08 else Origin.WANTED
        tokens = self._tokens(origin)
        mutated = random.random() < 0.6
        if mutated and random.random() < 0.7:
            tokens = mutate_tokens(tokens, self._tokens(Origin.WANTED), random)
        text = self._text(tokens)
        if mutated and random.random() < 0.6:
            text = mutate_text(text, random)
        keyspace = None if random.random() < 0.1 else random.choice(("used", "system", "Quoted ks"))
        return Case(text, keyspace, Origin.MUTATED if mutated else origin)

    def _tokens(self, origin: Origin) -> list[str]:
        if origin is Origin.FOREIGN:
            return self._grammar.foreign()
        if origin is Origin.KEYSPACES:
            return self._grammar.only_in_keyspaces()
        return self._random.choice(self._wanted)()

    def _text(self, tokens: list[str]) -> str:
        random = self._random
        gaps = HOSTILE_GAPS if random.random() < 0.4 else PLAIN_GAPS
        parts = [random.choice(gaps) if random.random() < 0.1 else ""]
        tight = random.random() < 0.3
        for token in tokens:
            if tight and token in BRACKETS:
                parts[-1] = ""
            parts += [self._cased(token), "" if tight and token in BRACKETS else random.choice(gaps)]
        parts[-1] = random.choice(ENDS)
        return "".join(parts)

    def _cased(self, token: str) -> str:
        if not token.isalpha() or self._random.random() < 0.7:
            return token
        return self._random.choice((token.lower(), token.capitalize(), token.swapcase()))
