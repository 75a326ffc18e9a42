"""CQL texts out of a fuzzer's bytes: mostly words and marks that the language has, so that many mean something."""

from __future__ import annotations

from keyward_proxy.cql.errors import UnreadableStatement
from keyward_proxy.cql.lexer import END, TokenStream
from tests.fuzz.choices import Choices

KEYWORDS = (
    "SELECT INSERT INTO UPDATE DELETE FROM WHERE SET USE USING AND IF NOT EXISTS JSON DISTINCT VALUES TOKEN LIMIT "
    "COUNT CAST AS ORDER BY GROUP PER PARTITION ALLOW FILTERING CONTAINS KEY IN LIKE true null NaN ks t a b int "
    "BEGIN UNLOGGED BATCH APPLY CREATE ALTER DROP TABLE KEYSPACE TYPE WITH PRIMARY STATIC FROZEN MAP RESTORE TTL "
    "TIMESTAMP TO DESCRIBE ONLY ADD RENAME REPLICATION ASC DESC CLUSTERING PARTITIONER system local peers"
)
MARKS = """( ) [ ] { } , ; : . * ? = < > + - += -= != 1 -1 1.5 'x' $$y$$ "Q" 0x1F 1d P1D /* */ -- // ' " $ $$"""
PIECES = (
    *(f"{word} " for word in KEYWORDS.split()),
    *MARKS.split(),
    "\n",
    " ",
    ":name",
    "/* FROM x.y */",
    "-- '\n",
    "''",
    '""',
    "shop.items",
    "\u00e9",
    "\x00",
    "550e8400-e29b-41d4-a716-446655440000",
)
LONGEST = 64 * 1024
_LITERALLY = len(PIECES)
_AGAIN = len(PIECES) + 1


def text(choices: Choices) -> str:
    """All that is left of the choices as one text."""
    parts: list[str] = []
    length = 0
    while choices and length < LONGEST:
        choice = choices.below(len(PIECES) + 2)
        if choice == _LITERALLY:
            part = choices.take(1 + choices.below(16)).decode("utf-8", "replace")
        elif choice == _AGAIN:
            again = choices.below(256)
            part = "".join(parts[-1 - choices.below(4) :])
            part *= min(again if again < 250 else again**2, 1 + LONGEST // max(1, len(part)))
        else:
            part = PIECES[choice]
        part = part[: LONGEST - length]
        parts.append(part)
        length += len(part)
    return "".join(parts)


def tokens(text: str) -> list[str] | None:
    """The tokens that the lexer makes of all of a text; None where it refuses."""
    found = []
    try:
        stream = TokenStream(text)
        while stream.kind != END:
            found.append(stream.value)
            stream.advance()
    except UnreadableStatement:
        return None
    return found


def spelled(wanted: str) -> bytes:
    """Bytes of which `text` makes this text, for seeds."""
    known = {piece: bytes([number]) for number, piece in enumerate(PIECES)}
    made, position = b"", 0
    while position < len(wanted):
        piece = max((p for p in PIECES if wanted.startswith(p, position)), key=len, default="")
        if piece:
            made += known[piece]
        else:
            piece = wanted[position]
            raw = piece.encode()
            made += bytes([_LITERALLY, len(raw) - 1]) + raw
        position += len(piece)
    return made


CORPUS = (
    "SELECT a, COUNT(*), JSON FROM shop.items WHERE a = 'x' AND b IN (1, 2) ORDER BY a LIMIT ? ALLOW FILTERING",
    "SELECT JSON * FROM t WHERE TOKEN(a) > :name PER PARTITION LIMIT 1",
    "INSERT INTO shop.items (a, b) VALUES (1, {'x': [1.5, $$y$$]}) IF NOT EXISTS USING TTL 1",
    "INSERT INTO shop.items JSON '{}'",
    "UPDATE shop.items USING TIMESTAMP 1 SET a = a + 1, b[0] = ? WHERE a = 1 IF EXISTS",
    "DELETE a[1] FROM shop.items WHERE a = 0x1F IF b = null",
    "USE ks",
    'USE "Q"',
    "BEGIN UNLOGGED BATCH INSERT INTO shop.items (a) VALUES (1); DELETE FROM t WHERE a = 1; APPLY BATCH",
    "CREATE TABLE IF NOT EXISTS shop.items (a int PRIMARY KEY, b frozen<map<int, int>> static) WITH CLUSTERING "
    "ORDER BY (a DESC)",
    "CREATE KEYSPACE ks WITH REPLICATION = {'class': 'SingleRegionStrategy'}",
    "ALTER TABLE shop.items ADD b int",
    "DROP TYPE IF EXISTS ks.t",
    "RESTORE TABLE shop.items FROM TABLE ks.t",
    "SELECT * FROM system.local WHERE key = 'local'",
    "SELECT peer FROM system.peers -- '\n; /* FROM x.y */",
)
