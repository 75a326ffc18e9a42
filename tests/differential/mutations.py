"""Breaks statements: whole tokens first, then single characters."""

from __future__ import annotations

from random import Random

TOKENS = tuple(
    """
    SELECT INSERT UPDATE DELETE FROM INTO SET WHERE AND IF NOT EXISTS USING BATCH APPLY BEGIN JSON DISTINCT AS
    TOKEN VALUES KEYSPACE TABLE TYPE WITH ADD DROP TAGS DEFAULT UNSET REPLACE MASKED VECTOR ks t a b system local
    1 -1 'x' $$y$$ . , ; : ( ) [ ] { } < > = + - * ? += -= .. / % "Q" "" P1D 1d NaN null
    """.split()
)
CHARACTERS = "'\"$;-/*\n\r\0\u2028\u00a0\ufeff\u00b5.,:()[]{}<>=+?%\\ aPTx0123456789_e\u212a\u0130\u017f"


def mutate_tokens(tokens: list[str], others: list[str], random: Random) -> list[str]:
    """A few tokens gone, twice, elsewhere, new, or the tail of another statement."""
    tokens = list(tokens)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        place = random.randrange(len(tokens))
        match random.randrange(7):
            case 0 if len(tokens) > 1:
                del tokens[place]
            case 1:
                tokens.insert(place, tokens[place])
            case 2:
                other = random.randrange(len(tokens))
                tokens[place], tokens[other] = tokens[other], tokens[place]
            case 3:
                tokens.insert(place, random.choice(TOKENS))
            case 4:
                tokens[place] = random.choice(TOKENS)
            case 5:
                tokens[place:] = others[min(place, len(others) - 1) :]
            case _:
                tokens += [*random.choice(([], [";"])), *others]
    return tokens


def mutate_text(text: str, random: Random) -> str:
    """A few characters gone, twice, new, or a stretch cut out or repeated."""
    for _ in range(random.choice((1, 1, 2, 3))):
        if not text:
            return random.choice(CHARACTERS)
        place = random.randrange(len(text))
        end = min(len(text), place + random.randrange(1, 12))
        match random.randrange(6):
            case 0:
                text = text[:place] + text[place + 1 :]
            case 1:
                text = text[:place] + random.choice(CHARACTERS) + text[place:]
            case 2:
                text = text[:place] + random.choice(CHARACTERS) + text[place + 1 :]
            case 3:
                text = text[:place] + text[end:]
            case 4:
                text = text[:end] + text[place:]
            case _:
                text = text[:place] + text[place : place + 1].swapcase() + text[place + 1 :]
    return text
