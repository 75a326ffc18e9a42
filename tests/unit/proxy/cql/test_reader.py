"""What statements say: their form, their table, their permissions."""

from __future__ import annotations

import pytest

from keyward_proxy.cql.lexer import MAXIMUM_TOKENS
from keyward_proxy.cql.reader import read
from keyward_proxy.cql.statement import Equality, Selection, Selector, Statement, Term
from tests.unit.proxy.cql.readings import needs, refusal

SELECTS = [
    "SELECT * FROM ks.t",
    "select a from ks.t",
    "SELECT a, b AS c, count(*), COUNT(1) AS n FROM ks.t",
    "SELECT count(a), count(b.c) FROM ks.t",
    "SELECT cast(a AS 'org.apache.Type') FROM ks.t",
    "SELECT DISTINCT a, b FROM ks.t",
    "SELECT JSON * FROM ks.t",
    "SELECT JSON a, b FROM ks.t",
    "SELECT JSON DISTINCT a FROM ks.t",
    "SELECT json, distinct FROM ks.t",
    "SELECT json FROM ks.t",
    "SELECT distinct AS d FROM ks.t",
    "SELECT count FROM ks.t",
    "SELECT writetime(a), TTL(b), token(k), ttl FROM ks.t",
    "SELECT CAST(a AS text), cast(min(b) AS int) AS m FROM ks.t",
    'SELECT max(a), toJson(b), system.dateOf(c), "F"(d) FROM ks.t',
    "SELECT f(g(a), 'x', 1, ?, :name) FROM ks.t",
    "SELECT a.b, a.b.c, f(a).b FROM ks.t",
    "SELECT blobAsText(0x00), 'literal', ? FROM ks.t",
    "SELECT a FROM ks.t WHERE k = 1 AND c > 2 AND d <= 3 AND e != 4 AND f < 5 AND g >= 6",
    "SELECT a FROM ks.t WHERE k IN (1, 2, ?) AND c IN ? AND d IN :values AND e IN ()",
    "SELECT a FROM ks.t WHERE token(k, j) > token(1, 2) AND token(k) <= ?",
    "SELECT a FROM ks.t WHERE (a, b) = (1, 2) AND (a, b) > (?, :x) AND (a, b) IN ((1, 2), (3, 4)) AND (a) IN ?",
    "SELECT a FROM ks.t WHERE (a, b) IN (?, ?) AND (a, b) IN () AND (a, b) < ? AND (k = 1) AND ((j = 2))",
    "SELECT a FROM ks.t WHERE l CONTAINS 1 AND m CONTAINS KEY 'x' AND n['k'] = 3 AND o LIKE 'x%'",
    "SELECT a FROM ks.t WHERE a IS NOT NULL AND b = null AND key = 3",
    "SELECT a FROM ks.t GROUP BY a, b",
    "SELECT a FROM ks.t WHERE k = 1 ORDER BY a, b DESC, c ASC",
    "SELECT a FROM ks.t PER PARTITION LIMIT 2 LIMIT 10 ALLOW FILTERING",
    "SELECT a FROM ks.t PER PARTITION LIMIT ? LIMIT :n",
    "SELECT a FROM ks.t ALLOW FILTERING;",
    "SELECT a FROM ks.t;;; ",
    "SELECT a FROM ks.t -- comment",
    "SELECT a FROM ks.t // comment",
    "SELECT a FROM ks.t /* comment */",
]


@pytest.mark.parametrize("text", SELECTS)
def test_selects_need_select(text: str) -> None:
    assert needs(text) == ["Select on ks.t"]


WRITES = [
    "INSERT INTO ks.t (a, b) VALUES (1, 'x')",
    "INSERT INTO ks.t (a) VALUES (?) USING TTL 5",
    "INSERT INTO ks.t (a) VALUES (:a) USING TIMESTAMP ? AND TTL :ttl",
    "INSERT INTO ks.t JSON '{\"a\": 1}'",
    "INSERT INTO ks.t JSON ? DEFAULT UNSET",
    "INSERT INTO ks.t JSON :json DEFAULT NULL USING TTL 1",
    'INSERT INTO ks.t JSON $$ {"a": "it\'s"} $$',
    "INSERT INTO ks.t (a) VALUES ([1, 2, [3]])",
    "INSERT INTO ks.t (a) VALUES ({'a': 1, 'b': 2})",
    "INSERT INTO ks.t (a) VALUES ({1, 2}) ",
    "INSERT INTO ks.t (a) VALUES ({})",
    "INSERT INTO ks.t (a) VALUES ([])",
    "INSERT INTO ks.t (a) VALUES ({street: 'x', \"Zip\": {code: 1}, ttl: 2})",
    "INSERT INTO ks.t (a) VALUES ({? : :v, :k : ?})",
    "INSERT INTO ks.t (a) VALUES ({f(1): 2})",
    "INSERT INTO ks.t (a) VALUES ((1, 'a', (2, 3)))",
    "INSERT INTO ks.t (a) VALUES ((int) 1)",
    "INSERT INTO ks.t (a) VALUES ((frozen<map<text, list<int>>>) {})",
    "INSERT INTO ks.t (a) VALUES ((ks.type) ?)",
    "INSERT INTO ks.t (a) VALUES ((set<int>) {1}, (list<set<int>>) [])",
    "INSERT INTO ks.t (a) VALUES ((now(), 2))",
    "INSERT INTO ks.t (a) VALUES ((system.now()))",
    "INSERT INTO ks.t (a) VALUES (now(), uuid(), token(1), toTimestamp(now()))",
    "INSERT INTO ks.t (a) VALUES (0xCAFE, 0X, 550e8400-e29b-41d4-a716-446655440000)",
    "INSERT INTO ks.t (a) VALUES (deadbeef-e29b-41d4-a716-446655440000)",
    "INSERT INTO ks.t (a) VALUES (1, -1, 1.5, -1.5e10, 1e-3, 1., 2.E+4, NaN, -NaN, Infinity, -Infinity)",
    "INSERT INTO ks.t (a) VALUES (true, FALSE, null)",
    "INSERT INTO ks.t (a) VALUES (1y2mo3w4d5h6m7s8ms9us10ns, -5d, 3\u00b5s)",
    "INSERT INTO ks.t (a) VALUES (P1Y2M3DT4H5M6S, PT1H, -P1W, P0001-02-03T04:05:06)",
    "UPDATE ks.t SET a = 1 WHERE k = 1",
    "UPDATE ks.t USING TTL 1 AND TIMESTAMP 2 SET a = 1, b = ? WHERE k = 1 AND c IN (1, 2)",
    "UPDATE ks.t SET a = a + 1, b = b - 1, c = c -1, d = d + ?, e = [1] + e, f = ? + f WHERE k = 1",
    "UPDATE ks.t SET a += {1}, b -= ?, c['k'] = 1, d[0] = ?, e.f = 2 WHERE k = 1",
    "UPDATE ks.t SET a = f(1), b = system.now(), c = (int) 3, d = TRUE WHERE k = 1",
    "DELETE FROM ks.t WHERE k = 1",
    "DELETE a, b['x'], c[0], d.e FROM ks.t USING TIMESTAMP 1 WHERE k = 1 AND c > 2 AND c < 3",
    "delete json from ks.t where k = 1;",
]


@pytest.mark.parametrize("text", WRITES)
def test_writes_need_modify(text: str) -> None:
    assert needs(text) == ["Modify on ks.t"]


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO ks.t (a) VALUES (1) IF NOT EXISTS",
        "INSERT INTO ks.t JSON ? IF NOT EXISTS USING TTL 1",
        "UPDATE ks.t SET a = 1 WHERE k = 1 IF EXISTS",
        "UPDATE ks.t SET a = 1 WHERE k = 1 IF exists;",
        "UPDATE ks.t SET a = 1 WHERE k = 1 IF exists = 1",
        "UPDATE ks.t SET a = 1 WHERE k = 1 IF a = 1 AND b['x'] > 2 AND c.d IN (1, 2) AND e IN ? AND f != null",
        "DELETE FROM ks.t WHERE k = 1 IF EXISTS",
        "DELETE a FROM ks.t WHERE k = 1 IF a = ?",
    ],
)
def test_conditional_writes_need_select_too(text: str) -> None:
    assert needs(text) == ["Select on ks.t", "Modify on ks.t"]


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("SELECT * FROM T", "used.t"),
        ('SELECT * FROM "T"', "used.T"),
        ("SELECT * FROM KS.T", "ks.t"),
        ('SELECT * FROM "KS".T', "KS.t"),
        ('SELECT * FROM "a""b"."c d"', 'a"b.c d'),
        ("SELECT * FROM ks . t", "ks.t"),
        ("SELECT * FROM ks\n.\tt", "ks.t"),
        ("SELECT * FROM/**/ks/**/.t", "ks.t"),
        ("SELECT * FROM ks/* . x */.t", "ks.t"),
        ("SELECT * FROM -- other.x\nks.t", "ks.t"),
        ("SELECT * FROM -- other.x\rks.t", "ks.t"),
        ("SELECT * FROM // other.x\nks.t", "ks.t"),
        ("SELECT * FROM /* -- */ ks.t", "ks.t"),
        ("SELECT * FROM /* /* */ ks.t", "ks.t"),
        ("SELECT * FROM /*/ x.y /**/ ks.t", "ks.t"),
        ("SELECT * FROM ks.t WHERE a = ' from other.x '", "ks.t"),
        ("SELECT * FROM ks.t WHERE a = $$ from other.x '$$", "ks.t"),
        ('SELECT a AS "from other.x" FROM ks.t', "ks.t"),
        ('SELECT "from", " from x " FROM ks.t', "ks.t"),
        ("SELECT 'from other.x' FROM ks.t", "ks.t"),
        ("SELECT * FROM ks.t WHERE a = 'it''s /*' AND b = '*/ from x'", "ks.t"),
        ('SELECT * FROM ks."t--"', "ks.t--"),
        ("SELECT * FROM ttl.json", "ttl.json"),
        ("\n\tSELECT\r\n*\nFROM\tks.t\n", "ks.t"),
    ],
)
def test_the_table_is_the_one_that_cassandra_would_touch(text: str, table: str) -> None:
    assert needs(text) == [f"Select on {table}"]


@pytest.mark.parametrize(
    ("text", "keyspace"), [("USE ks", "ks"), ("use KS;", "ks"), ('USE "KS"', "KS"), ("USE/**/ks", "ks")]
)
def test_use_names_a_keyspace_and_needs_nothing(text: str, keyspace: str) -> None:
    reading = read(text, None)
    assert isinstance(reading, Statement)
    assert (reading.form, reading.use_keyspace, reading.accesses) == ("USE", keyspace, ())


def test_an_unqualified_table_needs_a_keyspace_in_use() -> None:
    found = refusal("SELECT * FROM t", None)
    assert (found.code, "keyspace.t" in found.message) == (0x2200, True)


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("TRUNCATE a.b", 0x2200, "has no TRUNCATE"),
        ("GRANT SELECT ON a.b TO c", 0x2200, "KeyspacesRole"),
        ("REVOKE SELECT ON a.b FROM c", 0x2200, "KeyspacesRole"),
        ("LIST ROLES", 0x2200, "KeyspacesUser"),
        ("ADD IDENTITY 'a' TO ROLE 'b'", 0x2200, "KeyspacesUser"),
        ("CREATE INDEX ON a.b (c)", 0x2200, "second table"),
        ("CREATE CUSTOM INDEX i ON a.b (c) USING 'x'", 0x2200, "second table"),
        ("DROP INDEX a.i", 0x2200, "no indexes"),
        ("CREATE CUSTOM INDEX i ON a.b (c) USING 'x'", 0x2200, "CREATE CUSTOM INDEX is refused"),
        ("CREATE MATERIALIZED VIEW a.v AS SELECT * FROM a.b PRIMARY KEY (c)", 0x2200, "second table"),
        ("CREATE MATERIALIZED VIEW a.v AS SELECT * FROM a.b", 0x2200, "CREATE MATERIALIZED VIEW is refused"),
        ("CREATE TABLE a.b (c int PRIMARY KEY, v vector<float, 3>)", 0x2200, "a vector is refused: Amazon"),
        ("ALTER TABLE a.b ADD v frozen<Vector<float, 3>>", 0x2200, "frozen<list<float>>"),
        ("ALTER MATERIALIZED VIEW a.v WITH comment = 'x'", 0x2200, "no materialized views"),
        ("DROP MATERIALIZED VIEW a.v", 0x2200, "no materialized views"),
        ("CREATE FUNCTION a.f (x int) RETURNS NULL ON NULL INPUT RETURNS int LANGUAGE java AS 'x'", 0x2200, "compute"),
        ("CREATE OR REPLACE AGGREGATE a.f (int) SFUNC g STYPE int", 0x2200, "CREATE OR REPLACE is refused"),
        ("DROP FUNCTION IF EXISTS a.f", 0x2200, "compute"),
        ("DROP AGGREGATE a.f", 0x2200, "compute"),
        ("CREATE TRIGGER x ON a.b USING 'y'", 0x2200, "CDC"),
        ("DROP TRIGGER x ON a.b", 0x2200, "CDC"),
        ("CREATE ROLE r WITH PASSWORD = 'hidden'", 0x2200, "KeyspacesRole"),
        ("ALTER USER u WITH PASSWORD 'hidden'", 0x2200, "KeyspacesRole"),
        ("DROP ROLE r", 0x2200, "KeyspacesRole"),
        ("CREATE a.b", 0x2000, "expected KEYSPACE, TABLE or TYPE"),
        ("DROP", 0x2000, "expected KEYSPACE, TABLE or TYPE"),
        ("RESTORE KEYSPACE a", 0x2000, "'TABLE'"),
        ("", 0x2000, "RESTORE, DESCRIBE, DESC), found the end"),
        ("EXPLAIN SELECT * FROM a.b", 0x2000, "found 'EXPLAIN' at character 1"),
        ("SELECT * FROM a.b; DROP TABLE a.b", 0x2000, "one statement at a time"),
        ("SELECT * FROM a.b SELECT * FROM c.d", 0x2000, "one statement at a time"),
        ("SELECT * FROM a.b, c.d", 0x2000, "not part of the statement"),
        ("SELECT * FROM a.b.c", 0x2000, "not part of the statement"),
        ("SELECT * FROM a.b AS x", 0x2000, "not part of the statement"),
        ("SELECT * FROM a.b WHERE k = 1 OR k = 2", 0x2000, "'OR'"),
        ("SELECT * FROM a.b USING TTL 5", 0x2000, "'USING'"),
        ("SELECT * FROM a.b LIMIT 1 LIMIT 2", 0x2000, "'LIMIT'"),
        ("SELECT * FROM a.b LIMIT 'x'", 0x2000, "a number of rows"),
        ("SELECT * FROM a.b ALLOW", 0x2000, "'FILTERING'"),
        ("SELECT FROM a.b", 0x2000, "found 'FROM'"),
        ("SELECT * a.b", 0x2000, "'FROM'"),
        ("SELECT * FROM 'a'.b", 0x2000, "a literal (string)"),
        ("SELECT * FROM ?", 0x2000, "the name of a table"),
        ("SELECT * FROM select", 0x2000, "the name of a table"),
        ("SELECT * FROM a.", 0x2000, "the end of the statement"),
        ("SELECT * FROM a.b WHERE", 0x2000, "the name of a column"),
        ("SELECT other.f(x) FROM a.b", 0x2000, "keyspace 'other' has no functions"),
        ("INSERT INTO a.b (c) VALUES (other.f(1))", 0x2000, "keyspace 'other' has no functions"),
        ("INSERT INTO a.b VALUES (1)", 0x2000, "'('"),
        ("INSERT INTO a.b (c) VALUES (1) IF EXISTS", 0x2000, "'NOT'"),
        ("INSERT INTO a.b (c) VALUES (d)", 0x2000, "'('"),
        ("INSERT INTO a.b JSON {}", 0x2000, "':'"),
        ("INSERT INTO a.b JSON ? DEFAULT 1", 0x2000, "NULL or UNSET"),
        ("INSERT INTO a.b (c) VALUES (- 1)", 0x2000, "a value"),
        ("INSERT INTO a.b (c) VALUES (1) USING TTL", 0x2000, "a number"),
        ("INSERT INTO a.b (c) VALUES (1) USING CLOCK 1", 0x2000, "TIMESTAMP or TTL"),
        ("SELECT * FROM a.b WHERE c LIES 1", 0x2000, "a comparison"),
        ("UPDATE a.b SET c = d WHERE k = 1", 0x2000, "+ or -"),
        ("UPDATE a.b SET c = 1", 0x2000, "'WHERE'"),
        ("UPDATE a.b SET WHERE k = 1", 0x2000, "the name of a column"),
        ("UPDATE a.b SET c = 1 WHERE k = 1 USING TTL 1", 0x2000, "'USING'"),
        ("DELETE FROM a.b", 0x2000, "'WHERE'"),
        ("DELETE FROM a.b USING TTL 1 WHERE k = 1", 0x2000, "expected TIMESTAMP"),
        ("UPDATE a.b SET c 1 WHERE k = 1", 0x2000, "expected '='"),
        ("DELETE * FROM a.b WHERE k = 1", 0x2000, "'*'"),
        ("USE ks.t", 0x2000, "not part of the statement"),
        ("USE 'ks'", 0x2000, "the name of a keyspace"),
        ("SELECT 'x FROM a.b", 0x2000, "at character 8: ' is never closed"),
        ('SELECT "x FROM a.b', 0x2000, '" is never closed'),
        ('USE ""', 0x2000, "at character 5: a name is empty"),
        ("SELECT $$x FROM a.b", 0x2000, "$$ is never closed"),
        ("SELECT * FROM a.b /* x", 0x2000, "/* is never closed"),
        ("SELECT * FROM a.b LIMIT 1ALLOW FILTERING", 0x2000, "begins nothing that CQL knows"),
        ("SELECT * FROM a.b WHERE k = 0x1g", 0x2000, "begins nothing that CQL knows"),
        ("SELECT * FROM a.b WHERE k = 1..2", 0x2000, "begins nothing that CQL knows"),
        ("SELECT * FROM ks\u00a0.t", 0x2000, "NO-BREAK SPACE (U+00A0) begins nothing that CQL knows: type it anew"),
        ("SELECT * FROM ks.t\u2028", 0x2000, "begins nothing that CQL knows"),
        ("SELECT * FROM ks.t\0", 0x2000, "begins nothing that CQL knows"),
        ("\ufeffSELECT * FROM ks.t", 0x2000, "begins nothing that CQL knows"),
        ("SELECT * FROM \u212as.t", 0x2000, "begins nothing that CQL knows"),
        ("SELECT * FROM a.b WHERE c = " + "(" * 40 + "1" + ")" * 40, 0x2000, "nested more than 32 deep"),
        ("SELECT " + "f(" * 5000 + "a" + ")" * 5000 + " FROM a.b", 0x2000, "nested more than 32 deep"),
        ("SELECT * FROM a.b WHERE " + "(" * 5000 + "a = 1" + ")" * 5000, 0x2000, "nested more than 32 deep"),
        ("SELECT CAST(a AS " + "list<" * 5000 + " FROM a.b", 0x2000, "nested more than 32 deep"),
        ("SELECT " + "CAST(" * 5000 + "a", 0x2000, "nested more than 32 deep"),
        ("SELECT " + "a, " * 40_000 + "a FROM a.b", 0x2000, f"more than {MAXIMUM_TOKENS} tokens"),
    ],
)
def test_what_is_not_wholly_understood_is_refused(text: str, code: int, says: str) -> None:
    found = refusal(text)
    assert found.code == code
    assert says in found.message


def test_a_message_repeats_no_literal() -> None:
    assert "hidden" not in refusal("SELECT * FROM a.b WHERE c = 1 'hidden'").message


def test_simple_selects_tell_their_shape() -> None:
    reading = read("SELECT key, count(*) AS n FROM system.local WHERE key = 'it''s' AND a = ? AND b = :x", None)
    assert isinstance(reading, Statement)
    assert reading.selection == Selection(
        selectors=(Selector(column="key"), Selector(column="count", counts=True, alias="n")),
        equalities=(
            Equality(column="key", term=Term(literal="it's")),
            Equality(column="a", term=Term(marker="")),
            Equality(column="b", term=Term(marker="x")),
        ),
    )


@pytest.mark.parametrize(
    "text", [text for text in SELECTS if any(word in text for word in (" IN ", "f(", "GROUP", "JSON *"))]
)
def test_other_selects_tell_none(text: str) -> None:
    reading = read(text, None)
    assert isinstance(reading, Statement)
    assert reading.selection is None
