"""Random CREATE, ALTER and DROP of keyspaces, tables and types; with what only Amazon Keyspaces reads, or without."""

from __future__ import annotations

from tests.differential.data_statements import DataStatements

CONSTANTS = ("'x'", "1", "1.5", "true", "$$y$$", "5d", "0x00", "-1")
TAGS = ["TAGS", "{", "'owner'", ":", "'x'", ",", "'a'", ":", "'b'", "}"]
NESTED = ["CUSTOM_PROPERTIES", "=", "{", "'capacity_mode'", ":", "{", "'read_capacity_units'", ":", "10", "}", "}"]


class Definitions(DataStatements):
    """Statements that change the schema."""

    def create_keyspace(self) -> list[str]:
        """CREATE KEYSPACE."""
        return ["CREATE", self._keyspace(), *self.maybe(30, "IF", "NOT", "EXISTS"), self.keyspace(), *self._with()]

    def alter_keyspace(self) -> list[str]:
        """ALTER KEYSPACE."""
        return ["ALTER", self._keyspace(), self.keyspace(), *self._with()]

    def drop_keyspace(self) -> list[str]:
        """DROP KEYSPACE."""
        return ["DROP", self._keyspace(), *self.maybe(30, "IF", "EXISTS"), self.keyspace()]

    def create_table(self) -> list[str]:
        """CREATE TABLE."""
        tokens = ["CREATE", self._table(), *self.maybe(30, "IF", "NOT", "EXISTS"), *self.table(), "("]
        tokens += self.joined(self._column, 3)
        if self.chance(60):
            tokens += [",", "PRIMARY", "KEY", "(", *self._partition_key(), *self.maybe(50, ",", self.name()), ")"]
        tokens += [*self.maybe(5, ","), ")"]
        if self.chance(50):
            tokens += ["WITH", *self.joined(self._option, 3, "AND")]
        return tokens

    def alter_table(self) -> list[str]:
        """ALTER TABLE."""
        change = self.random.randrange(6)
        if change == 0:
            tokens = ["ADD", self.name(), *self.type(), *self.maybe(20, "STATIC")]
        elif change == 1:
            tokens = ["ADD", "(", *self.joined(lambda: [self.name(), *self.type()], 3), ")"]
        elif change == 2:
            tokens = ["DROP", *(["(", *self.names(), ")"] if self.chance(30) else [self.name()])]
            tokens += self.maybe(20, "USING", "TIMESTAMP", "5")
        elif change == 3:
            tokens = ["RENAME", *self.joined(lambda: [self.name(), "TO", self.name()], 2, "AND")]
        elif change == 4:
            tokens = ["ALTER", self.name(), "TYPE", *self.type()]
        else:
            tokens = self._with() if self.chance(80) else ["DROP", "COMPACT", "STORAGE"]
        return ["ALTER", self._table(), *self.table(), *tokens]

    def drop_table(self) -> list[str]:
        """DROP TABLE."""
        return ["DROP", self._table(), *self.maybe(30, "IF", "EXISTS"), *self.table()]

    def create_type(self) -> list[str]:
        """CREATE TYPE."""
        fields = self.joined(lambda: [self.name(), *self.type()], 3)
        return ["CREATE", "TYPE", *self.maybe(30, "IF", "NOT", "EXISTS"), *self._user_type(), "(", *fields, ")"]

    def alter_type(self) -> list[str]:
        """ALTER TYPE."""
        changes = (
            ["ADD", self.name(), *self.type()],
            ["ALTER", self.name(), "TYPE", *self.type()],
            ["RENAME", *self.joined(lambda: [self.name(), "TO", self.name()], 2, "AND")],
        )
        return ["ALTER", "TYPE", *self._user_type(), *self.random.choice(changes)]

    def drop_type(self) -> list[str]:
        """DROP TYPE."""
        return ["DROP", "TYPE", *self.maybe(30, "IF", "EXISTS"), *self._user_type()]

    def only_in_keyspaces(self) -> list[str]:
        """What Cassandra does not read."""
        choice = self.random.randrange(5)
        if choice == 0:
            return ["RESTORE", "TABLE", *self.table(), "FROM", "TABLE", *self.table(), *self.maybe(50, "WITH", *NESTED)]
        if choice == 1:
            return ["ALTER", self._table(), *self.table(), self.random.choice(("ADD", "DROP")), *TAGS]
        if choice == 2:
            return ["ALTER", self._keyspace(), self.keyspace(), self.random.choice(("ADD", "DROP")), *TAGS]
        if choice == 3:
            return ["CREATE", self._table(), *self.table(), "(", "a", "int", "FROZEN", "PRIMARY", "KEY", ")"]
        return ["ALTER", self._table(), *self.table(), "WITH", *NESTED, "AND", "CDC", "=", "TRUE"]

    def _keyspace(self) -> str:
        return self.random.choice(("KEYSPACE", "SCHEMA"))

    def _table(self) -> str:
        return self.random.choice(("TABLE", "COLUMNFAMILY"))

    def _user_type(self) -> list[str]:
        name = self.random.choice(("y", "address", '"Y"', '"a.b"'))
        return [self.keyspace(), ".", name] if self.chance(70) else [name]

    def _column(self) -> list[str]:
        return [self.name(), *self.type(), *self.maybe(10, "STATIC"), *self.maybe(15, "PRIMARY", "KEY")]

    def _partition_key(self) -> list[str]:
        return ["(", *self.names(), ")"] if self.chance(40) else [self.name()]

    def _with(self) -> list[str]:
        return ["WITH", *self.joined(self._property, 3, "AND")]

    def _option(self) -> list[str]:
        if self.chance(15):
            return ["COMPACT", "STORAGE"]
        if self.chance(20):
            ordering = self.joined(lambda: [self.name(), self.random.choice(("ASC", "DESC"))], 2)
            return ["CLUSTERING", "ORDER", "BY", "(", *ordering, ")"]
        return self._property()

    def _property(self) -> list[str]:
        name = f"p{self.random.randrange(10**6)}"
        if self.chance(40):
            keys = self.random.sample(("'class'", "'a'", "'b'", "1"), 2)
            pairs = [keys[0], ":", self.random.choice(CONSTANTS), ",", keys[1], ":", self.random.choice(CONSTANTS)]
            return [name, "=", "{", *self.random.choice(([], pairs[:3], pairs)), "}"]
        return [name, "=", self.random.choice((*CONSTANTS, "all", "ttl"))]
