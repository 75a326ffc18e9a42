"""Names, literals and terms of random statements, each as a list of tokens."""

from __future__ import annotations

from random import Random

PLAIN = ("a", "b", "ks", "t", "Orders", "x1", "deadbeef", "e5", "P1", "PT", "price", "order_id", "d", "NaNo", "trueish")
KEYWORDS = tuple(
    """
    ttl json key keys count writetime cast distinct as clustering compact storage type values map list filtering
    permission permissions keyspaces all user users role roles superuser nosuperuser login nologin options
    password exists custom trigger contains static frozen tuple function functions aggregate sfunc stype finalfunc
    initcond returns language called input like per partition group ascii bigint blob boolean counter decimal
    double duration float inet int smallint text timestamp tinyint uuid varchar varint timeuuid date time
    """.split()
)
"""Keywords that are names too, in 3.11 and in 5.0."""

QUOTED = (
    '"Orders"', '"a"', '"a""b"', '"FROM x.y"', '"a.b"', '"--"', '"/*"', '"*/"', "\"'\"", '"$$"', '"select"', '" "',
    '";"', '"\u00e9"', '"\u212a"', '"\n"', '"system"', '"?"', '"TOKEN"', '"{"',
)  # fmt: skip
SYSTEM = ("system", "system_schema", "SYSTEM", '"system"', "system_auth")
# A class's name in place of a type is read in definitions; Keyspaces has no such types, and casts to them are refused.
NATIVE = tuple(
    """
    ascii bigint blob boolean decimal double float inet int smallint text timestamp tinyint uuid varint date
    """.split()
)
LITERALS = (
    "1", "-1", "0", "1.5", "-1.5e10", "1e-3", "2.", "0xCAFE", "0x", "''", "'x'", "'it''s'", "' FROM x.y '", "'--'",
    "'/*'", "'; DROP TABLE x.y'", "'\u00e9\U0001f600'", "'\n'", "$$x$$", "$$ it's \" FROM x.y $$", "$$$$", "true",
    "FALSE", "NaN", "Infinity", "null", "550e8400-e29b-41d4-a716-446655440000", "5d", "1y2mo3d", "P1Y2M3DT4H5M6S",
    "deadbeef-e29b-41d4-a716-446655440000", "PT1H", "P1W", "P0001-02-03T04:05:06", "89h4m48s",
)  # fmt: skip
FUNCTIONS = ("now", "uuid", "toJson", "fromJson", "blobAsText", "dateOf", "text", '"F"', "values")
COMPARISONS = ("=", "<", "<=", ">", ">=", "!=")


class Names:
    """Draws from one source of chance, so that a seed makes the same statements again."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self._depth = 0

    def chance(self, percent: int) -> bool:
        """True so often."""
        return self.random.random() * 100 < percent

    def maybe(self, percent: int, *tokens: str) -> list[str]:
        """These tokens, so often."""
        return list(tokens) if self.chance(percent) else []

    def joined(self, make: object, most: int, separator: str = ",") -> list[str]:
        """One to `most` of what `make` makes."""
        assert callable(make)
        tokens: list[str] = list(make())
        for _ in range(self.random.randrange(most)):
            tokens += [separator, *make()]
        return tokens

    def name(self) -> str:
        """A name, hostile or not."""
        pool = self.random.choices((PLAIN, KEYWORDS, QUOTED), (6, 2, 2))[0]
        return self.random.choice(pool)

    def names(self, most: int = 3) -> list[str]:
        """Names between commas."""
        return self.joined(lambda: [self.name()], most)

    def keyspace(self) -> str:
        """The name of a keyspace."""
        return self.random.choice(SYSTEM) if self.chance(8) else self.name()

    def table(self) -> list[str]:
        """A table, qualified or not."""
        if self.chance(3):
            return ["system", ".", "local"]
        return [self.keyspace(), ".", self.name()] if self.chance(70) else [self.name()]

    def type(self, *, custom: bool = True) -> list[str]:
        """A type; `custom` for a class of Java among them."""
        self._depth += 1
        choice = self.random.randrange(9 if custom else 8) if self.chance(60 // self._depth**2) else 0
        native = [self.random.choice(NATIVE)]
        collections = (
            ["list", "<", *native, ">"],
            ["map", "<", *native, ",", *native, ">"],
            ["tuple", "<", *self.joined(lambda: native, 3), ">"],
        )
        if choice == 1:
            tokens = ["frozen", "<", *self.random.choice((*collections, ["y"])), ">"]
        elif choice == 2:
            tokens = ["set", "<", *self.type(custom=custom), ">"]
        elif choice == 3:
            tokens = ["map", "<", *native, ",", *self.type(custom=custom), ">"]
        elif choice == 4:
            tokens = ["tuple", "<", *self.joined(lambda: self.type(custom=custom), 3), ">"]
        elif choice == 5:
            tokens = [self.random.choice(PLAIN + QUOTED)]
        elif choice == 6:
            tokens = [self.name(), ".", self.random.choice(PLAIN + QUOTED)]
        elif choice == 7:
            tokens = list(self.random.choice(collections))
        elif choice == 8:
            tokens = ["'org.apache.cassandra.db.marshal.Int32Type'"]
        else:
            tokens = native
        self._depth -= 1
        return tokens

    def marker(self) -> list[str]:
        """A bind variable."""
        return ["?"] if self.chance(60) else [":", self.name()]

    def integer(self) -> list[str]:
        """A number, or a bind variable."""
        return [str(self.random.randrange(1000))] if self.chance(70) else self.marker()

    def function(self) -> str:
        """The name of a function."""
        return self.random.choice(
            ("now", "uuid", "toJson", "fromJson", "blobAsText", "dateOf", "text", '"F"', "values")
        )

    def term(self) -> list[str]:
        """A term."""
        self._depth += 1
        choice = self.random.randrange(14 if self.chance(60 // self._depth**2) else 4)
        if choice < 3:
            tokens = [self.random.choice(LITERALS)]
        elif choice == 3:
            tokens = self.marker()
        elif choice == 4:
            tokens = ["[", *self.joined(self.term, 3), "]"]
        elif choice == 5:
            tokens = ["{", *self.joined(self.term, 3), "}"]
        elif choice == 6:
            tokens = ["{", *self.joined(lambda: [*self.term(), ":", *self.term()], 3), "}"]
        elif choice == 7:
            tokens = ["{", *self.joined(lambda: [self.name(), ":", *self.term()], 3), "}"]
        elif choice == 8:
            tokens = ["(", *self.joined(self.term, 3), ")"]
        elif choice == 9:
            tokens = ["(", *self.type(custom=False), ")", *self.term()]
        elif choice == 10:
            tokens = [self.function(), "(", *(self.joined(self.term, 3) if self.chance(70) else []), ")"]
        elif choice == 11:
            tokens = ["system", ".", self.function(), "(", *self.term(), ")"]
        elif choice == 12:
            tokens = ["token", "(", *self.joined(self.term, 2), ")"]
        else:
            tokens = [self.random.choice(("[", "{")), ""]
            tokens[1] = {"[": "]", "{": "}"}[tokens[0]]
        self._depth -= 1
        return tokens
