"""Redaction: nothing of a literal or a comment is left, wherever it stands, and the text is cut where it must be."""

from __future__ import annotations

from keyward_proxy.cql.reader import read
from keyward_proxy.cql.redaction import redact
from keyward_proxy.cql.statement import Refusal
from tests.fuzz import texts
from tests.fuzz.choices import Choices

CANARY = "canary0f1e2d3c4b5a"
HEXADECIMAL = "0f1e2d3c4b5a"
FORMS = (
    f"'{CANARY}'",
    f"'it''s {CANARY}'",
    f"$${CANARY}$$",
    f"/* {CANARY} */",
    f"-- {CANARY}\n",
    f"// {CANARY}\n",
    f"0x{HEXADECIMAL}",
    f"550e8400-e29b-41d4-a716-{HEXADECIMAL}",
    f"'{CANARY}",
    f"$${CANARY}",
    f"/* {CANARY}",
    f"eyJ{'a' * 64}.{CANARY}",
)
LIMIT = 4096


def run(data: bytes) -> None:
    """Put a secret between two texts of which the first holds no open quote."""
    choices = Choices(data)
    form = FORMS[choices.below(len(FORMS))]
    middle = choices.below(256)
    whole = texts.text(choices)
    before, after = whole[: len(whole) * middle // 256], whole[len(whole) * middle // 256 :]
    if texts.tokens(before) is None:
        before = ""
    text = f"{before} {form} {after}"
    redacted = redact(text, limit=LIMIT)
    assert HEXADECIMAL not in redacted
    assert len(redacted) <= LIMIT + 64
    reading = read(text, "ks")
    assert HEXADECIMAL not in reading.redacted
    if isinstance(reading, Refusal):
        assert HEXADECIMAL not in reading.message


def seeds() -> list[bytes]:
    """Each form of secret at the end of a statement."""
    return [
        bytes([number, 255]) + texts.spelled(text)
        for number in range(len(FORMS))
        for text in texts.CORPUS[number % 4 :: 4]
    ]
